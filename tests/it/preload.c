/* Stands between one process and the calls by which its effects leave it, and between it and the
 * wall clock. A test gives it to a hub by LD_PRELOAD, with a file of numbers that both sides map:
 * the library counts the steps, ends the process at the one that the file names, and adds what the
 * file says to the wall clock. The monotonic clock is left alone. preload.rs has the same numbers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NANOS 1000000000LL

/* What a step is; the order is that of KINDS in preload.rs. */
enum kind { FILE_WRITE, FILE_SYNC, FILE_CUT, FILE_NAME, LINE_WRITE };

/* When the process ends: before the step, with half of it done, or after it. */
enum moment { BEFORE, HALF, AFTER };

struct book {
  int64_t armed;     /* 1 while steps are counted */
  int64_t count;     /* steps until now */
  int64_t at;        /* the step at which the process ends; 0 for none */
  int64_t moment;    /* when, around that step */
  int64_t ended;     /* 1 once it has */
  int64_t kind;      /* what that step was */
  int64_t offset;    /* nanoseconds that the wall clock is ahead */
  int64_t kinds[5];  /* steps until now, by kind */
};

static struct book *book;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("LIENTHONG_STEPS");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *book, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  /* What this process starts is another process. */
  unsetenv("LD_PRELOAD");
  if (mapped != MAP_FAILED) book = mapped;
}

static void end(enum kind kind) {
  book->kind = kind;
  book->ended = 1;
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

/* Whether the process is to end at this step. The counter passes each number once, also where the
 * process is started again with the same file. */
static int step(enum kind kind) {
  if (!book || !book->armed) return 0;
  __atomic_add_fetch(&book->kinds[kind], 1, __ATOMIC_SEQ_CST);
  return __atomic_add_fetch(&book->count, 1, __ATOMIC_SEQ_CST) == book->at;
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
  AROUND(leaves(file, &kind), kind, syscall(SYS_write, file, bytes, count),
         syscall(SYS_write, file, bytes, count / 2));
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  enum kind kind = FILE_WRITE;
  AROUND(leaves(file, &kind), kind, syscall(SYS_writev, file, parts, count),
         count && syscall(SYS_write, file, parts->iov_base, parts->iov_len / 2));
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  AROUND(1, FILE_WRITE, syscall(SYS_pwrite64, file, bytes, count, at),
         syscall(SYS_pwrite64, file, bytes, count / 2, at));
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  return pwrite64(file, bytes, count, at);
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

int fsync(int file) { AROUND(1, FILE_SYNC, syscall(SYS_fsync, file), 0); }

int fdatasync(int file) { AROUND(1, FILE_SYNC, syscall(SYS_fdatasync, file), 0); }

int ftruncate64(int file, off64_t length) {
  AROUND(1, FILE_CUT, syscall(SYS_ftruncate, file, length), 0);
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int unlinkat(int folder, const char *name, int flags) {
  AROUND(1, FILE_NAME, syscall(SYS_unlinkat, folder, name, flags), 0);
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int rename(const char *from, const char *to) {
  AROUND(1, FILE_NAME, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0), 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int done = syscall(SYS_clock_gettime, clock, now);
  if (done == 0 && book && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t nanos = now->tv_sec * NANOS + now->tv_nsec + book->offset;
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
