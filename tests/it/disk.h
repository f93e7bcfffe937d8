/* What `preload.c` and `disk.c` have in common. */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* A call that goes to the system as it is: its sixth argument, which none of them has, says so to
 * the filter that catches those of everybody else. */
#define OURS 0x4c545448
#define REAL(call, a, b, c, d, e) syscall(call, a, b, c, d, e, OURS)

/* What a power cut takes; the order is that of Loss in preload.rs. */
enum { LOSES_NOTHING, LOSES_ALL, LOSES_SOME, TEARS };

struct loss {
  int64_t kind;
  int64_t seed;
  int64_t contents; /* changes of contents that were not synced when the power was cut */
  int64_t names;    /* the same of names */
  int64_t fault;    /* other than 0 where this disk itself did not work */
};

/* From now on, what is changed below a folder is remembered until it is synced. */
void disk_begin(const char *folder, struct loss *loss);
/* Undoes what was not synced; nobody writes any more afterwards. */
void disk_loses(void);
/* Whether that has begun: nobody is told anything any more. */
int disk_is_gone(void);

/* The calls themselves, as the system does them; `at` is below 0 for where the file stands. */
long disk_writes(int file, const struct iovec *parts, int count, int64_t at);
long disk_cuts(int file, int64_t length);
long disk_syncs(int file, long call);
long disk_renames(int at, const char *from, int to_at, const char *to, unsigned flags);
long disk_removes(int at, const char *name, int flags);
long disk_opens(int at, const char *name, int flags, mode_t mode);
