/* Stands between one process and the calls by which its effects leave it, and between it and the
 * wall clock. A test gives it to a hub by LD_PRELOAD, with a file of numbers that both sides map:
 * the library counts the steps, ends the process at the one that the file names, with its power cut
 * where that is wanted (disk.c), and adds what the file says to the wall clock, or to the time that
 * has passed. preload.rs has the same numbers. Calls that go to the system past the C library
 * are caught by a filter of the system's; what the process starts would end at those. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <ucontext.h>

#define NANOS 1000000000LL

/* What a step is; the order is that of KINDS in preload.rs. */
enum kind { FILE_WRITE, FILE_SYNC, FILE_CUT, FILE_NAME, LINE_WRITE };

/* When the process ends: before the step, with half of it done, or after it. */
enum moment { BEFORE, HALF, AFTER };

struct book {
  int64_t armed;     /* 1 while steps are counted */
  int64_t count;     /* steps until now */
  int64_t at;        /* the step at which the process ends; 0 for none */
  int64_t of;        /* 0 where it is one of all steps; else one of those of this kind, and 1 */
  int64_t moment;    /* when, around that step */
  int64_t ended;     /* 1 once it has */
  int64_t kind;      /* what that step was */
  int64_t offset;    /* nanoseconds that the wall clock is ahead */
  int64_t passed;    /* nanoseconds that have passed beside those of the monotonic clock */
  int64_t caught;    /* 1 where calls past the C library are seen too */
  struct loss loss;  /* what goes with the process, its power being cut */
  int64_t kinds[5];  /* steps until now, by kind */
};

static struct book *book;

static int catches_all(void);

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("LIENTHONG_STEPS");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  /* What this process starts is another process. */
  unsetenv("LD_PRELOAD");
  if (mapped == MAP_FAILED) return;
  book = mapped;
  book->caught = catches_all();
  /* The power is cut once. */
  const char *disk = getenv("LIENTHONG_DISK");
  if (disk && book->loss.kind != LOSES_NOTHING && !book->ended) disk_begin(disk, &book->loss);
}

static void end(enum kind kind) {
  disk_loses();
  book->kind = kind;
  book->ended = 1;
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* Whether the process is to end at this step. The counter passes each number once, also where the
 * process is started again with the same file. */
static int step(enum kind kind) {
  if (!book || !book->armed) return 0;
  int64_t of_kind = __atomic_add_fetch(&book->kinds[kind], 1, __ATOMIC_SEQ_CST);
  int64_t of_all = __atomic_add_fetch(&book->count, 1, __ATOMIC_SEQ_CST);
  if (book->of) return book->of == (int64_t)kind + 1 && of_kind == book->at;
  return of_all == book->at;
}

/* Whether what is written here leaves the process for good, and how: not its log, nor what its
 * own threads wake one another by. */
static int leaves(int file, enum kind *kind) {
  struct stat about;
  if (!book || !book->armed || file <= STDERR_FILENO) return 0;
  int kept = errno, domain = 0;
  socklen_t length = sizeof domain;
  mode_t mode = fstat(file, &about) == 0 ? about.st_mode : 0;
  if (S_ISSOCK(mode)) getsockopt(file, SOL_SOCKET, SO_DOMAIN, &domain, &length);
  errno = kept;
  *kind = S_ISSOCK(mode) ? LINE_WRITE : FILE_WRITE;
  while (S_ISSOCK(mode) && disk_is_gone()) pause();
  return S_ISREG(mode) || domain == AF_INET || domain == AF_INET6;
}

/* One call around which the process may end. `half` does a part of what `whole` does. */
#define AROUND(is_step, kind, whole, half)   \
  do {                                       \
    if (!(is_step) || !step(kind)) return whole; \
    if (book->moment == HALF) (void)(half);  \
    if (book->moment == AFTER) (void)(whole); \
    end(kind);                               \
    return -1;                               \
  } while (0)

ssize_t write(int file, const void *bytes, size_t count) {
  enum kind kind = FILE_WRITE;
  struct iovec part = {(void *)bytes, count};
  AROUND(leaves(file, &kind), kind, disk_writes(file, &part, 1, -1),
         syscall(SYS_write, file, bytes, count / 2));
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  enum kind kind = FILE_WRITE;
  AROUND(leaves(file, &kind), kind, disk_writes(file, parts, count, -1),
         count && syscall(SYS_write, file, parts->iov_base, parts->iov_len / 2));
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  struct iovec part = {(void *)bytes, count};
  AROUND(1, FILE_WRITE, disk_writes(file, &part, 1, at),
         syscall(SYS_pwrite64, file, bytes, count / 2, at));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  return pwrite64(file, bytes, count, at);
}

/* Who is told that there is no such call reads and writes instead. */
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t count,
                        unsigned flags) {
  (void)from, (void)from_at, (void)to, (void)to_at, (void)count, (void)flags;
  errno = ENOSYS;
  return -1;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t count) {
  (void)to, (void)from, (void)at, (void)count;
  errno = ENOSYS;
  return -1;
}

ssize_t sendto(int file, const void *bytes, size_t count, int flags, const struct sockaddr *to,
               socklen_t length) {
  enum kind kind = LINE_WRITE;
  AROUND(leaves(file, &kind), kind, syscall(SYS_sendto, file, bytes, count, flags, to, length),
         syscall(SYS_sendto, file, bytes, count / 2, flags, to, length));
}

ssize_t send(int file, const void *bytes, size_t count, int flags) {
  return sendto(file, bytes, count, flags, NULL, 0);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
  enum kind kind = LINE_WRITE;
  AROUND(leaves(file, &kind), kind, syscall(SYS_sendmsg, file, message, flags),
         message->msg_iovlen && syscall(SYS_write, file, message->msg_iov->iov_base,
                                        message->msg_iov->iov_len / 2));
}

static long synced(int file, long call) { AROUND(1, FILE_SYNC, disk_syncs(file, call), 0); }

int fsync(int file) { return synced(file, SYS_fsync); }

int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int syncfs(int file) { return synced(file, SYS_syncfs); }

int ftruncate64(int file, off64_t length) { AROUND(1, FILE_CUT, disk_cuts(file, length), 0); }

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int unlinkat(int folder, const char *name, int flags) {
  AROUND(1, FILE_NAME, disk_removes(folder, name, flags), 0);
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

static long renamed(int at, const char *from, int to_at, const char *to, unsigned flags) {
  AROUND(1, FILE_NAME, disk_renames(at, from, to_at, to, flags), 0);
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }

#if defined(__x86_64__)
#define ANSWER(context) ((context)->uc_mcontext.gregs[REG_RAX])
#define GIVEN(context, number) \
  ((context)->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8}[number]])
#elif defined(__aarch64__)
#define ANSWER(context) ((context)->uc_mcontext.regs[0])
#define GIVEN(context, number) ((context)->uc_mcontext.regs[number])
#else
#error "which registers hold a call's arguments and its answer is to be written here"
#endif

/* A call was made past the C library. */
static void caught(int signal, siginfo_t *about, void *context) {
  ucontext_t *at = context;
  int kept = errno;
  long answer = -1, one = GIVEN(at, 0), two = GIVEN(at, 1), three = GIVEN(at, 2);
  long four = GIVEN(at, 3), five = GIVEN(at, 4);
  (void)signal;
  switch (about->si_syscall) {
    case SYS_openat: answer = disk_opens(one, (char *)two, three, four); break;
    case SYS_renameat: answer = renamed(one, (char *)two, three, (char *)four, 0); break;
    case SYS_renameat2: answer = renamed(one, (char *)two, three, (char *)four, five); break;
    case SYS_unlinkat: answer = unlinkat(one, (char *)two, three); break;
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_syncfs: answer = synced(one, about->si_syscall); break;
    default: errno = ENOSYS;
  }
  ANSWER(at) = answer < 0 ? -errno : answer;
  errno = kept;
}

#define LOADS(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define GIVES(action) BPF_STMT(BPF_RET | BPF_K, action)
#define IF_IS(value, next) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, next)
#define CATCHES(call) IF_IS(call, 1), GIVES(SECCOMP_RET_TRAP)

static int catches_all(void) {
  struct sock_filter rules[] = {
      LOADS(args[5]), IF_IS(OURS, 1), GIVES(SECCOMP_RET_ALLOW),
      LOADS(nr),
      CATCHES(SYS_renameat), CATCHES(SYS_renameat2), CATCHES(SYS_unlinkat),
      CATCHES(SYS_fsync), CATCHES(SYS_fdatasync), CATCHES(SYS_syncfs),
      /* Whether it may make a file, or cut one to nothing. */
      IF_IS(SYS_openat, 3), LOADS(args[2]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 0, 1), GIVES(SECCOMP_RET_TRAP),
      GIVES(SECCOMP_RET_ALLOW),
  };
  struct sock_fprog all = {sizeof rules / sizeof *rules, rules};
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_RESTART};
  return sigaction(SIGSYS, &action, NULL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int done = syscall(SYS_clock_gettime, clock, now), monotonic = 0;
  if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE) monotonic = 1;
  else if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return done;
  if (done == 0 && book) {
    int64_t more = monotonic ? book->passed : book->offset;
    int64_t nanos = now->tv_sec * NANOS + now->tv_nsec + more;
    now->tv_sec = nanos / NANOS;
    now->tv_nsec = nanos % NANOS;
  }
  return done;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec precise = {0};
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *told) {
  struct timespec precise = {0};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (told) *told = precise.tv_sec;
  return precise.tv_sec;
}
