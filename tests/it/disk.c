/* A disk that has only what it was told to keep: what a process changed below one folder, and what
 * was there before, is remembered until it is synced, and undone where the power is cut.
 *
 * What is modelled. Each write and each cut of a file is the disk's once a sync of that file, by
 * any handle, that BEGAN after it has ended, or a `syncfs`. Names (a file made, renamed, removed)
 * are kept in their order, as file systems with a journal do; they are the disk's once a folder is
 * synced, or all of it: syncing a file keeps its content and not its name. A cut comes in three
 * kinds: nothing that was not synced is there; of the names the first few are there, and of each
 * file any of the changes, with or without the others, or its length alone; all names are there,
 * and of the changes the first few, the next one torn at a sector of 512 or a page of 4,096 bytes.
 *
 * What is not. A sector is whole or not written; folders that were made stay; so do links, modes
 * and times. What is mapped is memory: of SQLite's files that is `-shm` alone, which is not looked
 * at here and goes at the cut. A disk that says it has what it does not have is out of scope. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A file that was changed. Its handle is one of our own and is never closed: closing any of a
 * file's would give up the locks that the process has on it. */
struct file {
  dev_t device;
  ino_t number;
  int handle;
};

enum what { WRITTEN, CUT, MADE, RENAMED, REMOVED };

struct change {
  enum what what;
  int kept; /* 1 once it is the disk's, or is to be left */
  int64_t order;
  int file;
  int64_t at;     /* where it was written, or the length it was cut to */
  int64_t length; /* how much was written */
  int64_t before; /* how long the file was */
  char *old;      /* what was there, up to that length */
  char *new;
  char *name; /* of a name: what it is, what it was, and where what lay there before is */
  char *from;
  char *grave;
};

#define FILES_MAX 512
#define CHANGES_MAX 65536
#define MEMORY_BYTES (1LL << 30)
#define SYNC_NANOS 2000000

static const char *folder;
static struct loss *loss;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static int cutting;
static struct file files[FILES_MAX];
static int files_count;
static struct change *changes;
static int changes_count;
static int64_t order, graves;
static char *memory;
static int64_t taken;
static uint64_t chance;

void disk_begin(const char *path, struct loss *told) {
  changes = mmap(NULL, CHANGES_MAX * sizeof *changes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  told->fault = changes == MAP_FAILED || memory == MAP_FAILED;
  chance = told->seed * 2 + 1;
  loss = told;
  if (!told->fault) folder = path;
}

static uint64_t random_below(uint64_t end) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  return (chance >> 11) % end;
}

/* Room for so many bytes; the test is told where there is none. */
static void *room(int64_t bytes) {
  bytes = (bytes + 15) & ~15LL;
  if (taken + bytes > MEMORY_BYTES) {
    loss->fault = 2;
    return NULL;
  }
  taken += bytes;
  return memory + taken - bytes;
}

static char *copy(const char *text) {
  char *kept = room(strlen(text) + 1);
  return kept ? strcpy(kept, text) : NULL;
}

static struct change *remember(enum what what) {
  if (changes_count == CHANGES_MAX) {
    loss->fault = 3;
    return NULL;
  }
  struct change *change = &changes[changes_count++];
  *change = (struct change){.what = what, .order = ++order};
  return change;
}

static int below_folder(const char *path) {
  size_t length = strlen(folder), whole = strlen(path);
  int memory_of_sqlite = whole > 4 && strcmp(path + whole - 4, "-shm") == 0;
  return strncmp(path, folder, length) == 0 && path[length] == '/' && !memory_of_sqlite;
}

/* Which file a handle is of; below 0 where it is none that is looked after. */
static int file_of(int handle) {
  struct stat about;
  char link[64], path[PATH_MAX];
  if (fstat(handle, &about) != 0 || !S_ISREG(about.st_mode)) return -1;
  for (int at = 0; at < files_count; at++)
    if (files[at].number == about.st_ino && files[at].device == about.st_dev) return at;
  snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return -1;
  path[length] = 0;
  if (!below_folder(path)) return -1;
  int own = files_count < FILES_MAX ? open(link, O_RDWR | O_CLOEXEC) : -1;
  if (own < 0) {
    loss->fault = 4;
    return -1;
  }
  files[files_count] = (struct file){about.st_dev, about.st_ino, own};
  return files_count++;
}

static int64_t length_of(int handle) {
  struct stat about;
  return fstat(handle, &about) == 0 ? about.st_size : 0;
}

/* Whether what follows is looked after; then with everybody else kept out. */
static int looked_after(void) {
  if (!folder) return 0;
  pthread_mutex_lock(&one);
  return 1;
}

static long done(long result) {
  int kept = errno;
  pthread_mutex_unlock(&one);
  errno = kept;
  return result;
}

static long write_through(int file, const struct iovec *parts, int count, int64_t at) {
  return at < 0 ? syscall(SYS_writev, file, parts, count)
                : syscall(SYS_pwritev, file, parts, count, at, 0);
}

static int is_a_file(int handle) {
  struct stat about;
  return fstat(handle, &about) == 0 && S_ISREG(about.st_mode);
}

long disk_writes(int handle, const struct iovec *parts, int count, int64_t at) {
  /* A line may keep its writer waiting, and nobody else is to wait for that. */
  if (!is_a_file(handle) || !looked_after()) return write_through(handle, parts, count, at);
  int file = file_of(handle);
  if (file < 0) return done(write_through(handle, parts, count, at));
  int64_t before = length_of(handle), place = at, length = 0;
  if (at < 0 && fcntl(handle, F_GETFL) & O_APPEND) place = before;
  else if (at < 0) place = lseek(handle, 0, SEEK_CUR);
  for (int part = 0; part < count; part++) length += parts[part].iov_len;
  char *old = room(length), *new = room(length);
  if (!old || !new) return done(write_through(handle, parts, count, at));
  if (pread(files[file].handle, old, length, place) < 0) loss->fault = 5;
  int64_t copied = 0;
  for (int part = 0; part < count; copied += parts[part++].iov_len)
    memcpy(new + copied, parts[part].iov_base, parts[part].iov_len);
  long written = write_through(handle, parts, count, at);
  struct change *change = written > 0 ? remember(WRITTEN) : NULL;
  if (change) {
    change->file = file, change->at = place, change->length = written;
    change->before = before, change->old = old, change->new = new;
  }
  return done(written);
}

/* Remembers that a file is cut to a length. */
static void cut(int file, int64_t length) {
  int64_t before = length_of(files[file].handle), rest = before > length ? before - length : 0;
  char *old = room(rest);
  struct change *change = old ? remember(CUT) : NULL;
  if (!change) return;
  if (pread(files[file].handle, old, rest, length) != rest) loss->fault = 6;
  change->file = file, change->at = length, change->before = before, change->old = old;
}

long disk_cuts(int handle, int64_t length) {
  if (!looked_after()) return syscall(SYS_ftruncate, handle, length);
  int file = file_of(handle);
  if (file >= 0) cut(file, length);
  return done(syscall(SYS_ftruncate, handle, length));
}

/* What had been done when the sync began is the disk's. */
static void keep(int handle, int all, int64_t until) {
  struct stat about;
  int names = fstat(handle, &about) == 0 && S_ISDIR(about.st_mode);
  int file = names ? -1 : file_of(handle), open = 0;
  for (int at = 0; at < changes_count; at++) {
    struct change *change = &changes[at];
    int meant = change->what >= MADE ? names : change->file == file;
    if (change->order <= until && (all || meant)) change->kept = 1;
    open += !change->kept;
  }
  if (open == 0) changes_count = 0, taken = 0;
}

long disk_syncs(int handle, long call) {
  int64_t until = 0;
  if (looked_after()) {
    until = order;
    done(0);
  }
  if (!folder) return REAL(call, handle, 0, 0, 0, 0);
  /* The machine's own disk is not asked, for its power stays; but others go on meanwhile. */
  syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = SYNC_NANOS}, NULL);
  looked_after();
  keep(handle, call == SYS_syncfs, until);
  return done(0);
}

/* A name as a path from the root; 0 where it is none that is looked after. */
static int path_of(int at, const char *name, char *path) {
  char link[64];
  ssize_t length = 0;
  if (name[0] != '/') {
    snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
    length = readlink(link, path, PATH_MAX - 2);
    if (length < 0 || length + strlen(name) + 2 > PATH_MAX) return 0;
    path[length++] = '/';
  } else if (strlen(name) >= PATH_MAX) {
    return 0;
  }
  strcpy(path + length, name);
  return below_folder(path);
}

/* Keeps what lies under a name from being lost with it; where that is then. */
static char *buried(const char *path) {
  char grave[PATH_MAX];
  snprintf(grave, sizeof grave, "%s/graves/%d-%ld", folder, getpid(), (long)++graves);
  return linkat(AT_FDCWD, path, AT_FDCWD, grave, 0) == 0 ? copy(grave) : NULL;
}

long disk_renames(int at, const char *from, int to_at, const char *to, unsigned flags) {
  char was[PATH_MAX], is[PATH_MAX];
  if (!looked_after()) return REAL(SYS_renameat2, at, from, to_at, to, flags);
  if (!path_of(at, from, was) || !path_of(to_at, to, is))
    return done(REAL(SYS_renameat2, at, from, to_at, to, flags));
  char *grave = flags ? NULL : buried(is);
  long result = REAL(SYS_renameat2, at, from, to_at, to, flags);
  int failed = errno;
  struct change *change = result == 0 ? remember(RENAMED) : NULL;
  if (change) change->name = copy(is), change->from = copy(was), change->grave = grave;
  errno = failed;
  return done(result);
}

long disk_removes(int at, const char *name, int flags) {
  char path[PATH_MAX];
  if (!looked_after()) return REAL(SYS_unlinkat, at, name, flags, 0, 0);
  char *grave = !flags && path_of(at, name, path) ? buried(path) : NULL;
  long result = REAL(SYS_unlinkat, at, name, flags, 0, 0);
  int failed = errno;
  struct change *change = result == 0 && grave ? remember(REMOVED) : NULL;
  if (change) change->name = copy(path), change->grave = grave;
  errno = failed;
  return done(result);
}

/* A file that may be made, or cut to nothing, by being opened. */
long disk_opens(int at, const char *name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if (!looked_after()) return REAL(SYS_openat, at, name, flags, mode, 0);
  int ours = path_of(at, name, path), is_there = faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  if (ours && is_there && flags & O_TRUNC) {
    int own = openat(at, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    int file = own < 0 ? -1 : file_of(own);
    if (file >= 0) cut(file, 0);
  }
  long result = REAL(SYS_openat, at, name, flags, mode, 0);
  int failed = errno;
  struct change *change = result >= 0 && ours && !is_there ? remember(MADE) : NULL;
  if (change) change->name = copy(path);
  errno = failed;
  return done(result);
}

/* Ours, past what counts steps. */
static void put(int file, const char *bytes, int64_t count, int64_t at, int fault) {
  if (count > 0 && syscall(SYS_pwrite64, file, bytes, count, at) != count) loss->fault = fault;
}

static void set_length(int file, int64_t length, int fault) {
  if (syscall(SYS_ftruncate, file, length) != 0) loss->fault = fault;
}

static void undo(const struct change *change) {
  int handle = files[change->file].handle;
  int64_t there = change->before - change->at;
  switch (change->what) {
    case WRITTEN:
      if (there > change->length) there = change->length;
      put(handle, change->old, there, change->at, 7);
      set_length(handle, change->before, 8);
      break;
    case CUT:
      set_length(handle, change->before, 9);
      put(handle, change->old, there, change->at, 10);
      break;
    case MADE:
      if (REAL(SYS_unlinkat, AT_FDCWD, change->name, 0, 0, 0) != 0) loss->fault = 11;
      break;
    case RENAMED:
      if (REAL(SYS_renameat2, AT_FDCWD, change->name, AT_FDCWD, change->from, 0) != 0)
        loss->fault = 12;
      if (change->grave)
        REAL(SYS_renameat2, AT_FDCWD, change->grave, AT_FDCWD, change->name, 0);
      break;
    case REMOVED:
      if (REAL(SYS_renameat2, AT_FDCWD, change->grave, AT_FDCWD, change->name, 0) != 0)
        loss->fault = 13;
  }
}

/* The first bytes of a change are on the disk after all. */
static void redo(const struct change *change, int64_t bytes) {
  int handle = files[change->file].handle;
  if (change->what == CUT) set_length(handle, change->at, 14);
  else put(handle, change->new, bytes, change->at, 15);
}

/* The file has the length that a change gave it, and none of what was written. */
static void stretch(const struct change *change) {
  int handle = files[change->file].handle;
  int64_t end = change->at + change->length;
  if (change->what == WRITTEN && end > length_of(handle)) set_length(handle, end, 16);
}

/* Up to the border of a sector or of a page, somewhere within a change. */
static int64_t torn(const struct change *change) {
  int64_t unit = random_below(2) ? 512 : 4096;
  int64_t first = (change->at / unit + 1) * unit, end = change->at + change->length;
  if (first >= end) return 0;
  return first + unit * (int64_t)random_below((end - first + unit - 1) / unit) - change->at;
}

int disk_is_gone(void) { return __atomic_load_n(&cutting, __ATOMIC_SEQ_CST); }

void disk_loses(void) {
  if (!folder) return;
  pthread_mutex_lock(&one);
  __atomic_store_n(&cutting, 1, __ATOMIC_SEQ_CST);
  int names = 0, contents = 0;
  for (int at = 0; at < changes_count; at++)
    if (!changes[at].kept) *(changes[at].what >= MADE ? &names : &contents) += 1;
  int names_kept = 0, contents_kept = 0;
  if (loss->kind == LOSES_SOME) names_kept = random_below(names + 1);
  if (loss->kind == TEARS) names_kept = names, contents_kept = random_below(contents + 1);
  for (int at = 0, seen = 0; at < changes_count; at++)
    if (!changes[at].kept && changes[at].what >= MADE) changes[at].kept = seen++ < names_kept;
  for (int at = changes_count - 1; at >= 0; at--)
    if (!changes[at].kept) undo(&changes[at]);
  for (int at = 0, seen = 0; at < changes_count; at++) {
    struct change *change = &changes[at];
    if (change->kept || change->what >= MADE) continue;
    int number = seen++, chosen = random_below(3);
    if (loss->kind == TEARS && number < contents_kept) redo(change, change->length);
    else if (loss->kind == TEARS && number == contents_kept) redo(change, torn(change));
    else if (loss->kind == LOSES_SOME && chosen == 0) redo(change, change->length);
    else if (loss->kind == LOSES_SOME && chosen == 1) stretch(change);
  }
  loss->contents = contents;
  loss->names = names;
  /* The lock stays: whoever writes now waits until the process is gone. */
}
