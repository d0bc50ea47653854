/* The keeper: one process per run. It owns the agent's PTY or pipes, writes every byte to the run folder before anyone
 * sees it, serves readers from there over a unix socket, and stays until its exit status was collected.
 * It never looks at what the bytes mean, never ends the child by itself, and never says anything on a descriptor
 * that it did not open for that. When the daemon that watched it died, it starts the one that the start file names.
 * Format of launch record, files and frames: docs/keeper-protocol.md.
 *
 * One thread, one poll loop, no timer while nothing happens. Everything is non-blocking but the files. */
#if defined(__linux__)
#define _GNU_SOURCE
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef NSIG
#define NSIG 65
#endif

typedef unsigned char byte;
enum { VERSION = 1, CHUNK = 65536, OUTPUT_HEAD = 14, FRAME_MAX = 16 << 20, QUEUE_MAX = 1 << 20, REPLIES_MAX = 65536 };
enum { BODY_MOST = CHUNK - OUTPUT_HEAD }; /* many readers take 64 KiB at a time: so they get one frame, and copy nothing */
enum { RETRY_MS = 250, EXIT_RETRY_MS = 1000, ACCEPT_PAUSE_MS = 100, TRIM_MS = 500, PACE_MS = 5 };
enum { SHORT = 2048, PTY_READ = 4095 /* Linux gives no more at once */, SPACE_CHECK = 1 << 20, SIZES_MOST = 1 << 20 };
#if !defined(KEEPER_TEST_HURRY) /* tests cannot wait for minutes */
#define KEEPER_TEST_HURRY 1
#endif
enum {
  REVIVE_MS = 1000 / KEEPER_TEST_HURRY, REVIVE_SPREAD_MS = 2000 / KEEPER_TEST_HURRY, COMES_MS = 15000 / KEEPER_TEST_HURRY,
  LINGER_MS = 3000 / KEEPER_TEST_HURRY, STEADY_MS = 60000 / KEEPER_TEST_HURRY, BACKOFF_MS = 4000 / KEEPER_TEST_HURRY,
  BACKOFF_MOST_MS = 60000 / KEEPER_TEST_HURRY, TRIES_MOST = 8, START_FILE_MOST = 65536
};
enum { F_HELLO = 1, F_READ, F_UNREAD, F_INPUT, F_RESIZE, F_SIGNAL, F_COLLECT, F_GOODBYE, F_LIMIT, F_ATTEND };
enum { ROLE_DAEMON = 1 };
enum { T_HELLO = 0x81, T_OUTPUT, T_ACK, T_EXIT, T_HELD, T_SIZE, T_ATTENDED };
enum { FEATURE_ATTEND = 1 };
enum { IN_SECRET = 1, IN_CLOSE = 2, LOG_NOT_KEPT = 1 };
enum { ACK_ACCEPTED, ACK_DUPLICATE, ACK_CLOSED };
enum { WANT_HELLO = 1, WANT_HELD = 2, WANT_SIZE = 4, WANT_UNATTENDED = 8, WANT_ATTENDED = 16 };

/* One direction of the child's output: its descriptor, its log, and the bytes read but not yet in the log. */
struct stream {
  const char *name;
  int fd;                   /* read end, or the PTY's master; -1: nothing more will come */
  int log;                  /* newest segment, which begins at `start` */
  uint64_t start, end;      /* `end`: bytes in the log; readers are served up to here */
  bool keeps;               /* of a log larger than both, only the first and the last bytes */
  uint64_t first, last;
  uint64_t gap, gap_end;    /* whole segments that were removed for that */
  uint32_t have, done;      /* buffer[stream] holds `have` bytes, `done` of them are in the log */
  uint32_t recent;          /* buffer[stream] begins with the last `recent` bytes of the log */
  uint64_t left;            /* after the child's death: how many bytes may still be its own */
  bool dry;                 /* after the child's death: all of them were read */
  uint64_t heard_at;        /* when something was read last */
};

/* Input accepted and logged, not yet taken by the child. */
struct chunk {
  struct chunk *next;
  size_t size, length, at;
  bool close, wipe;
  byte bytes[];
};

struct client {
  int fd;
  bool dead, stalled, told_exit, daemon, goodbye, attends;
  byte wants;               /* WANT_*: said when there is room, the newest value only */
  uint64_t attends_since;   /* the newest of those that attend has the highest */
  uint64_t unattended_from; /* with WANT_UNATTENDED: where nobody attended any more, though later somebody may have */
  byte *in;                 /* the start of a frame that has not come whole */
  size_t in_length, in_size;
  byte *out;                /* replies that the socket did not take yet */
  size_t out_length, out_at, out_size;
  struct { bool on; uint64_t at; } read[2];
  uint64_t serve_at;        /* of the daemon: a few bytes wait until then */
  int turn;                 /* stream to be served next */
  int body_stream;          /* OUTPUT frame under way: what of its head and of its bytes was not sent */
  byte head[OUTPUT_HEAD], head_left;
  uint32_t body_left;
  uint64_t body_at;
  int old, old_stream;      /* an older segment that this client is reading */
  uint64_t old_start;
};

static struct {
  byte *record;             /* launch record; unmapped when the child runs, it holds the environment */
  size_t record_size, record_length;
  char **argv, **envp;
  const char *directory, *socket_path, *nonce;
  bool pty;
  uint16_t columns, rows;
  uint64_t segment, reserve, most;
  const char *start_file;
} spec = { .columns = 80, .rows = 24, .segment = 16 << 20 };

static int folder = -1, listener = -1, wake_in = -1, wake_out = -1, slave = -1, input = -1, answer = -1;
static int in_log = -1;
static uint64_t in_start, in_end, top[4];
static struct stream streams[2] = { { .name = "out", .fd = -1, .log = -1 }, { .name = "err", .fd = -1, .log = -1 } };
static struct chunk *queue, **queue_tail = &queue;
static size_t queued;
static bool input_closed;
static int input_errno;     /* an input record could not be logged */
static struct client **clients;
static size_t client_count, client_size;
static struct pollfd *polls;
static size_t poll_size;
static pid_t child = -1;
static uint64_t child_start, unchecked = SPACE_CHECK; /* look at the free space before the first byte */
static bool reaped, drained, finished, leaving;
static int exit_code = -1, exit_signal, held;
static uint64_t round_ms;   /* when this round of the loop began */
static uint64_t retry_at, exit_at, accept_at, trim_at;
static size_t daemons;      /* connections of the daemon that live */
static size_t viewers;      /* connections that attend */
static uint64_t attend_count;  /* ATTENDs that were switched on so far */
static uint64_t attended_from; /* what is said of them holds from this byte of `out` */
static bool was_attended;   /* by anybody, ever */
static uint64_t revive_at;  /* next step of bringing one back; 0: nothing to do */
static uint64_t came_at;    /* when the daemon came that was here last */
static int start_lock = -1; /* held while the one we started may still come */
static int tries = -1;      /* starts in a row that came to nothing; -1: the launcher may still come */
static bool other_starts;   /* another keeper was seen at it */
static dev_t socket_device;
static ino_t socket_inode;
static mode_t old_umask;
static const int limited[] = { RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NOFILE };
static struct rlimit old_limits[3];
/* Never touched, these pages cost nothing; given back when nothing happened for TRIM_MS. */
static byte (*buffer)[CHUNK], *inbox, *outbox;
enum { BUFFERS_SIZE = 4 * CHUNK };

/* ---- small things ---- */

static void put16(byte *p, uint16_t v) { p[0] = (byte)v; p[1] = (byte)(v >> 8); }
static void put32(byte *p, uint32_t v) { put16(p, (uint16_t)v); put16(p + 2, (uint16_t)(v >> 16)); }
static void put64(byte *p, uint64_t v) { put32(p, (uint32_t)v); put32(p + 4, (uint32_t)(v >> 32)); }
static uint16_t get16(const byte *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t get32(const byte *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }
static uint64_t get64(const byte *p) { return get32(p) | (uint64_t)get32(p + 4) << 32; }

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Memory of which every page goes back at once: an idle keeper keeps no heap of past bursts. */
static void *take(size_t n) {
  if (n <= 2048) return malloc(n);
  void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

static void give(void *p, size_t n) {
  if (!p) return;
  if (n <= 2048) free(p);
  else munmap(p, n);
}

static void wipe(void *p, size_t n) {
  volatile byte *b = p;
  while (n--) *b++ = 0;
}

static bool append(byte **p, size_t *length, size_t *size, const byte *from, size_t n) {
  if (*length + n > *size) {
    size_t bigger = *size ? *size : 512;
    while (bigger < *length + n) bigger *= 2;
    byte *q = take(bigger);
    if (!q) return false;
    if (*length) memcpy(q, *p, *length);
    if (*p) wipe(*p, *length);
    give(*p, *size);
    *p = q;
    *size = bigger;
  }
  memcpy(*p + *length, from, n);
  *length += n;
  return true;
}

static int flags(int fd, bool nonblock) {
  if (fd < 0) return fd;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return -1;
  if (nonblock && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) return -1;
  return fd;
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static int make_pipe(int ends[2]) {
  if (pipe(ends) < 0) return -1;
  return flags(ends[0], false) < 0 || flags(ends[1], false) < 0 ? -1 : 0;
}

static void close_above_two(void) {
#if defined(SYS_close_range)
  if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return;
#endif
  long most = sysconf(_SC_OPEN_MAX);
  if (most < 0 || most > 65536) most = 65536;
  for (int fd = 3; fd < most; fd++) close(fd);
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold blanks and brackets. */
static uint64_t start_of(pid_t pid) {
#if defined(__linux__)
  char path[40], text[1024];
  snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (n <= 0) return 0;
  text[n] = 0;
  char *p = strrchr(text, ')');
  for (int field = 2; p && field < 22; field++) p = strchr(p + 1, ' ');
  return p ? strtoull(p + 1, NULL, 10) : 0;
#else
  (void)pid;
  return 0;
#endif
}

static bool folder_is_gone(void) {
  struct stat st;
  return fstat(folder, &st) < 0 || st.st_nlink == 0;
}

/* Nobody sees it in part, and it is on disk when this returns 0. A power cut before that may leave it empty, which is read
 * as if it was not there. In this order one commit of the journal holds the text and the names, and the second fsync finds
 * little left to do. `claims`: EEXIST where the file is there already, also if it came to be only just now: a new daemon
 * claims a folder in this way for itself, and then no late keeper may start in it. `lasts`: it is still of use after a
 * power cut. 0 or an errno. */
static int write_file(const char *name, const char *text, bool claims, bool lasts) {
  char temporary[32];
  snprintf(temporary, sizeof temporary, ".%s.new", name);
  int fd = flags(openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600), false);
  if (fd < 0) return errno;
  size_t length = strlen(text), at = 0;
  while (at < length) {
    ssize_t n = write(fd, text + at, length - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    at += (size_t)n;
  }
  int error = at < length ? (errno ? errno : ENOSPC) : 0;
  if (!error && (claims ? linkat(folder, temporary, folder, name, 0) : renameat(folder, temporary, folder, name)) < 0) error = errno;
  if (error || claims) unlinkat(folder, temporary, 0);
  if (!error && lasts && fsync(fd) < 0) error = errno;
  if (close(fd) < 0 && !error) error = errno;
  if (!error && lasts && fsync(folder) < 0 && errno != EINVAL) error = errno;
  return error;
}

/* ---- the logs ---- */

static int open_segment(const char *name, uint64_t start, int mode) {
  char file[32];
  snprintf(file, sizeof file, "%s.%020llu", name, (unsigned long long)start);
  return flags(openat(folder, file, mode, 0600), false);
}

static bool holds(const struct client *c, int which, uint64_t begin) {
  return c->old >= 0 && c->old_stream == which && c->old_start == begin;
}

static void hold_segment(struct client *c, int which, uint64_t begin) {
  if (holds(c, which, begin)) return;
  close_fd(&c->old);
  c->old = open_segment(streams[which].name, begin, O_RDONLY);
  c->old_stream = which;
  c->old_start = begin;
}

/* Removes what lies, by whole segments, behind the first bytes to keep and before the last; never the newest segment.
 * A client that was sent a part of a frame is owed the rest of it. */
static void drop_middle(struct stream *s) {
  int which = (int)(s - streams);
  while (s->gap_end + spec.segment <= s->start && s->gap_end + spec.segment + s->last <= s->end) {
    for (size_t i = 0; i < client_count; i++) {
      struct client *c = clients[i];
      if (c->body_left && c->body_stream == which && c->body_at - c->body_at % spec.segment == s->gap_end) hold_segment(c, which, s->gap_end);
    }
    char file[32];
    snprintf(file, sizeof file, "%s.%020llu", s->name, (unsigned long long)s->gap_end);
    unlinkat(folder, file, 0);
    s->gap_end += spec.segment;
  }
}

/* The child said more than it may; a new limit goes on, time alone does not. */
static bool at_limit(void) { return spec.most && streams[0].have && streams[0].end >= spec.most; }

/* Moves buffered output into the log. At fixed offsets, so that what a failed write left behind is written over.
 * 0, or the errno why bytes are left. Segments are cut at exact multiples of their size, also within one read.
 * What a dead child left is little, and its exit must wait neither for the reserve nor for another limit. */
static int write_out(struct stream *s) {
  const byte *bytes = buffer[s - streams];
  while (s->done < s->have) {
    size_t n = s->have - s->done;
    if (spec.most && s == streams && !reaped) {
      if (s->end >= spec.most) return EFBIG;
      if (n > spec.most - s->end) n = (size_t)(spec.most - s->end);
    }
    if (spec.reserve && !reaped && (held || unchecked >= SPACE_CHECK)) {
      struct statvfs disk;
      if (fstatvfs(folder, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < spec.reserve) return ENOSPC;
      unchecked = 0;
    }
    if (s->end - s->start >= spec.segment) {
      int next = open_segment(s->name, s->end, O_RDWR | O_CREAT | O_EXCL);
      if (next < 0) return errno;
      close(s->log);
      s->log = next;
      s->start = s->end;
    }
    uint64_t room = s->start + spec.segment - s->end;
    if (n > room) n = (size_t)room;
    ssize_t wrote = pwrite(s->log, bytes + s->done, n, (off_t)(s->end - s->start));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote < 0 ? errno : ENOSPC;
    s->done += (uint32_t)wrote;
    s->end += (uint64_t)wrote;
    unchecked += (uint64_t)wrote;
    if (s->keeps) drop_middle(s);
  }
  return 0;
}

static int flush(struct stream *s) {
  int error = write_out(s);
  s->recent = s->done;
  if (!error) s->have = s->done = 0;
  return error;
}

static int write_at(int fd, const byte *bytes, size_t length, uint64_t at) {
  while (length) {
    ssize_t n = pwrite(fd, bytes, length, (off_t)at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : ENOSPC;
    bytes += n;
    length -= (size_t)n;
    at += (uint64_t)n;
  }
  return 0;
}

/* One input record, whole or not at all; a record is never cut between two segments. */
static int log_input(int lane, uint64_t id, size_t length, int in_flags, const byte *bytes) {
  if (in_log < 0 || in_end - in_start >= spec.segment) {
    int next = open_segment("in", in_end, O_WRONLY | O_CREAT);
    if (next < 0) return errno;
    close_fd(&in_log);
    in_log = next;
    in_start = in_end;
  }
  bool kept = !spec.pty && !(in_flags & IN_SECRET);
  char head[128];
  int n = snprintf(head, sizeof head, "%d %llu %zu %d %llu\n%s", lane, (unsigned long long)id, length,
                   (in_flags & IN_CLOSE) | (kept ? 0 : LOG_NOT_KEPT), (unsigned long long)streams[0].end, kept ? "" : "\n");
  uint64_t at = in_end - in_start;
  size_t body = kept ? length + 1 : 0;
  int error = write_at(in_log, (byte *)head, (size_t)n, at);
  if (!error && kept) error = write_at(in_log, bytes, length, at + (uint64_t)n);
  if (!error && kept) error = write_at(in_log, (const byte *)"\n", 1, at + (uint64_t)n + length);
  /* Half a record must not stay behind a later, shorter one. */
  if (error) { if (ftruncate(in_log, (off_t)at) < 0) return error; }
  else in_end += (uint64_t)n + body;
  return error;
}

/* ---- clients: sending ---- */

static void drop(struct client *c) { c->dead = true; }

static void queue_reply(struct client *c, const byte *bytes, size_t n) {
  if (!append(&c->out, &c->out_length, &c->out_size, bytes, n)) drop(c);
}

static size_t start_frame(byte *p, int type, size_t payload) {
  put32(p, (uint32_t)(payload + 1));
  p[4] = (byte)type;
  return payload + 5;
}

static void reply_hello(struct client *c) {
  byte f[5 + 77 + 64 + 2], *p = f + 5;
  size_t nonce = strlen(spec.nonce);
  put16(p, VERSION);
  p[2] = spec.pty ? 't' : 'p';
  p[3] = finished;
  p[4] = held != 0;
  put32(p + 5, (uint32_t)(finished ? exit_code : -1));
  put32(p + 9, (uint32_t)(finished ? exit_signal : 0));
  put32(p + 13, (uint32_t)child);
  put64(p + 17, child_start);
  put64(p + 25, streams[0].end);
  put64(p + 33, streams[1].end);
  for (int lane = 0; lane < 4; lane++) put64(p + 41 + 8 * lane, top[lane]);
  put16(p + 73, spec.columns);
  put16(p + 75, spec.rows);
  memcpy(p + 77, spec.nonce, nonce + 1);
  p[78 + nonce] = FEATURE_ATTEND;
  queue_reply(c, f, start_frame(f, T_HELLO, 79 + nonce));
  c->told_exit = finished;
}

static void reply_exit(struct client *c) {
  byte f[29];
  put32(f + 5, (uint32_t)exit_code);
  put32(f + 9, (uint32_t)exit_signal);
  put64(f + 13, streams[0].end);
  put64(f + 21, streams[1].end);
  queue_reply(c, f, start_frame(f, T_EXIT, 24));
  c->told_exit = true;
}

static bool is_newest(const struct client *c) {
  if (!c->attends) return false;
  for (size_t i = 0; i < client_count; i++)
    if (clients[i]->attends && clients[i]->attends_since > c->attends_since) return false;
  return true;
}

static void reply_attended(struct client *c, uint64_t from, size_t count) {
  byte f[16];
  put64(f + 5, from);
  put16(f + 13, count < UINT16_MAX ? (uint16_t)count : UINT16_MAX);
  f[15] = is_newest(c);
  queue_reply(c, f, start_frame(f, T_ATTENDED, 11));
}

/* Each change is a frame of its own, and it stands before all bytes from there on, which are not in the log yet. To who
 * does not read, only the newest state is kept, and where the others ended: it must not think that somebody attended
 * where nobody did, or a question would never be answered. */
static void tell_attended(struct client *c) {
  if (c->out_length < REPLIES_MAX && !(c->wants & WANT_ATTENDED)) { reply_attended(c, attended_from, viewers); return; }
  if (!viewers && !(c->wants & WANT_UNATTENDED)) {
    c->unattended_from = attended_from;
    c->wants |= WANT_UNATTENDED;
  }
  c->wants |= WANT_ATTENDED;
}

static void reply_wanted(struct client *c) {
  byte f[16];
  byte wants = c->wants;
  c->wants = 0;
  if (wants & WANT_HELLO) reply_hello(c);
  if (wants & WANT_HELD) {
    f[5] = held != 0;
    put32(f + 6, (uint32_t)held);
    queue_reply(c, f, start_frame(f, T_HELD, 5));
  }
  if (wants & WANT_SIZE) {
    put16(f + 5, spec.columns);
    put16(f + 7, spec.rows);
    queue_reply(c, f, start_frame(f, T_SIZE, 4));
  }
  if (wants & WANT_UNATTENDED) reply_attended(c, c->unattended_from, 0);
  if (wants & WANT_ATTENDED) reply_attended(c, attended_from, viewers);
}

static bool readable(const struct client *c, int s) { return c->read[s].on && c->read[s].at < streams[s].end; }

/* Who looks at a screen gets each byte at once. The daemon gets the first ones after a pause at once; of a flood, and of
 * what a key gave rise to, it gets more at a time: each waking of it costs more than all that is done here. */
static bool output_due(const struct client *c, int s) {
  return readable(c, s) && (!c->daemon || finished || round_ms >= c->serve_at || streams[s].end - c->read[s].at >= BODY_MOST);
}

/* Whether there is anything to say to this client now. */
static bool has_more(const struct client *c) {
  return c->out_length || c->body_left || c->wants || output_due(c, 0) || output_due(c, 1) || (finished && !c->told_exit);
}

/* When there will be; 0: that is not known. */
static uint64_t more_at(const struct client *c) {
  return c->serve_at > round_ms && (readable(c, 0) || readable(c, 1)) ? c->serve_at : 0;
}

/* The segment that holds byte `*at`, and in `*room` how many bytes of it may be read from there. A segment that was
 * trimmed is passed over: the next offset says so. -1: nothing there. */
static int segment_of(struct client *c, int which, uint64_t *at, uint64_t *room, uint64_t *start) {
  struct stream *s = &streams[which];
  while (*at < s->start) {
    uint64_t begin = *at - *at % spec.segment;
    if (begin >= s->gap && begin < s->gap_end && !holds(c, which, begin)) { *at = s->gap_end; continue; }
    hold_segment(c, which, begin);
    if (c->old >= 0) {
      *start = begin;
      *room = begin + spec.segment - *at;
      return c->old;
    }
    if (errno != ENOENT) return -1;
    *at = begin + spec.segment;
  }
  close_fd(&c->old);
  *start = s->start;
  *room = s->end - *at;
  return s->log;
}

/* A system call that failed: for good, or because the socket is full. */
static void failed_to_send(struct client *c) {
  if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) drop(c);
}

/* What of the OUTPUT frame under way was not sent; nothing else may come between. False: the socket takes no more. */
static bool send_frame(struct client *c) {
  const struct stream *s = &streams[c->body_stream];
  size_t head = c->head_left, length = c->body_left;
  byte *body = outbox;
  if (c->body_at >= s->end - s->recent) body = buffer[c->body_stream] + (c->body_at - (s->end - s->recent));
  else {
    uint64_t at = c->body_at, start, room;
    int log = segment_of(c, c->body_stream, &at, &room, &start);
    ssize_t got = log < 0 || at != c->body_at ? -1 : pread(log, body, length, (off_t)(at - start));
    if (got <= 0) { drop(c); return false; } /* the log was taken away or cannot be read; the client may come again */
    length = (size_t)got;
  }
  struct iovec parts[] = { { c->head + OUTPUT_HEAD - head, head }, { body, length } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) { failed_to_send(c); return false; }
  size_t of_body = (size_t)sent > head ? (size_t)sent - head : 0;
  c->head_left -= (byte)((size_t)sent - of_body);
  c->body_left -= (uint32_t)of_body;
  c->body_at += of_body;
  return !c->body_left;
}

static bool send_replies(struct client *c) {
  ssize_t n = send(c->fd, c->out + c->out_at, c->out_length - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) { failed_to_send(c); return false; }
  c->out_at += (size_t)n;
  if (c->out_at < c->out_length) return false;
  give(c->out, c->out_size);
  c->out = NULL;
  c->out_length = c->out_at = c->out_size = 0;
  return true;
}

static void start_output(struct client *c, int s) {
  uint64_t start, room;
  if (segment_of(c, s, &c->read[s].at, &room, &start) < 0) { drop(c); return; }
  c->body_stream = s;
  c->body_at = c->read[s].at;
  c->body_left = room < BODY_MOST ? (uint32_t)room : BODY_MOST;
  c->read[s].at += c->body_left;
  c->turn = !s;
  start_frame(c->head, T_OUTPUT, 9 + (size_t)c->body_left);
  c->head[5] = (byte)s;
  put64(c->head + 6, c->body_at);
  c->head_left = OUTPUT_HEAD;
  c->serve_at = c->daemon ? round_ms + PACE_MS : 0;
}

/* Sends until the socket is full or a fair share was sent. */
static void pump(struct client *c) {
  for (int share = 0; share < 16 && !c->dead; share++) {
    if (c->body_left) { if (!send_frame(c)) return; }
    else if (c->out_length) { if (!send_replies(c)) return; }
    else if (c->wants) reply_wanted(c);
    else if (output_due(c, c->turn)) start_output(c, c->turn);
    else if (output_due(c, !c->turn)) start_output(c, !c->turn);
    else if (finished && !c->told_exit) reply_exit(c);
    else return;
  }
}

static void tell_all(byte want, const struct client *but) {
  for (size_t i = 0; i < client_count; i++)
    if (clients[i] != but) clients[i]->wants |= want;
}

static void set_held(int error) {
  if (held != error) tell_all(WANT_HELD, NULL);
  held = error;
  retry_at = error && (input_errno || error != EFBIG || !at_limit()) ? now_ms() + RETRY_MS : 0;
}

/* ---- the child's input ---- */

static void close_input(void) {
  input_closed = true;
  while (queue) {
    struct chunk *k = queue;
    queue = k->next;
    if (k->wipe) wipe(k->bytes, k->length);
    give(k, k->size);
  }
  queue_tail = &queue;
  queued = 0;
  if (!spec.pty) close_fd(&input);
}

static void feed_child(void) {
  while (queue) {
    struct chunk *k = queue;
    if (k->at < k->length) {
      ssize_t n = write(input, k->bytes + k->at, k->length - k->at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n < 0) { close_input(); return; }
      k->at += (size_t)n;
      queued -= (size_t)n;
      if (k->at < k->length) return;
    }
    bool close_now = k->close;
    if (!(queue = k->next)) queue_tail = &queue;
    if (k->wipe) wipe(k->bytes, k->length);
    give(k, k->size);
    if (close_now) { close_input(); return; }
  }
}

static void acknowledge(struct client *c, int lane, uint64_t id, int result) {
  byte f[15];
  f[5] = (byte)lane;
  put64(f + 6, id);
  f[14] = (byte)result;
  queue_reply(c, f, start_frame(f, T_ACK, 10));
}

/* A key is echoed in a moment, and who typed is not to wait for a processor that the daemon uses. The acknowledgement does
 * not wait for the echo: the client that it wakes is awake when the echo comes, which was faster in each measurement. */
static void typed(const struct client *c) {
  for (size_t i = 0; i < client_count; i++) {
    struct client *d = clients[i];
    if (d->daemon && d != c && !readable(d, 0) && !readable(d, 1) && round_ms >= d->serve_at) d->serve_at = round_ms + PACE_MS;
  }
}

static bool closing;        /* an accepted frame closes the child's input; later ones are refused */

/* False: not now; the frame stays where it is and the client is not read until it can be taken. */
static bool take_input(struct client *c, const byte *p, size_t n) {
  if (n < 10 || p[0] > 3 ) { drop(c); return true; }
  int lane = p[0], in_flags = p[9];
  uint64_t id = get64(p + 1);
  const byte *bytes = p + 10;
  n -= 10;
  if (lane && id <= top[lane]) { acknowledge(c, lane, id, ACK_DUPLICATE); return true; }
  if (input_closed || closing || reaped) { acknowledge(c, lane, id, ACK_CLOSED); return true; }
  if (queued > QUEUE_MAX || input_errno) return false;
  if (spec.pty) in_flags &= ~IN_CLOSE;
  size_t size = sizeof(struct chunk) + n;
  struct chunk *k = take(size);
  int error = k ? log_input(lane, id, n, in_flags, bytes) : ENOMEM;
  if (error) {
    give(k, size);
    input_errno = error;
    if (!retry_at) set_held(held ? held : error);
    return false;
  }
  *k = (struct chunk){ .size = size, .length = n, .close = in_flags & IN_CLOSE, .wipe = spec.pty || (in_flags & IN_SECRET) };
  memcpy(k->bytes, bytes, n);
  *queue_tail = k;
  queue_tail = &k->next;
  queued += n;
  if (in_flags & IN_CLOSE) closing = true;
  if (id > top[lane]) top[lane] = id;
  feed_child();
  acknowledge(c, lane, id, ACK_ACCEPTED);
  if (!lane && spec.pty) typed(c);
  return true;
}

/* ---- clients: receiving ---- */

/* A hint for who draws the screen again later: nothing depends on it. */
static void note_size(void) {
  int fd = flags(openat(folder, "sizes", O_WRONLY | O_CREAT | O_NOFOLLOW, 0600), false);
  struct stat st;
  if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size <= SIZES_MOST) {
    char line[48];
    int n = snprintf(line, sizeof line, "%llu %u %u\n", (unsigned long long)streams[0].end, spec.columns, spec.rows);
    if (write_at(fd, (const byte *)line, (size_t)n, (uint64_t)st.st_size) && ftruncate(fd, st.st_size) < 0) {}
  }
  close_fd(&fd);
}

static void resize(const struct client *c, uint16_t columns, uint16_t rows) {
  if (!spec.pty || !columns || !rows || (columns == spec.columns && rows == spec.rows)) return;
  struct winsize size = { .ws_col = columns, .ws_row = rows };
  if (ioctl(streams[0].fd, TIOCSWINSZ, &size) < 0) return;
  spec.columns = columns;
  spec.rows = rows;
  note_size();
  tell_all(WANT_SIZE, c);
}

/* `off`: said of a connection that ends, too. */
static void attend(struct client *c, bool on) {
  bool changes = c->attends != on;
  c->attends = on;
  if (changes) {
    viewers += on ? 1 : (size_t)-1;
    if (on) c->attends_since = ++attend_count;
    attended_from = streams[0].end;
    was_attended = true;
    for (size_t i = 0; i < client_count; i++)
      if ((clients[i]->daemon || clients[i]->attends) && clients[i] != c && !clients[i]->dead) tell_attended(clients[i]);
  }
  if (!c->dead) tell_attended(c);
}

/* Only while the child was not reaped: until then its pid, and so its group's, cannot be another's. */
static void signal_child(int number, int whom) {
  if (reaped || number < 1 || number >= NSIG) return;
  pid_t target = whom == 1 ? child : -child;
  if (whom == 2 && spec.pty) {
    pid_t group = tcgetpgrp(streams[0].fd);
    if (group > 1) target = -group;
  }
  kill(target, number);
}

static void come(struct client *c);

static bool handle(struct client *c, int type, const byte *p, size_t n) {
  switch (type) {
    case F_HELLO:            /* one version so far */
      if (n >= 3 && p[2] == ROLE_DAEMON && !c->daemon) come(c);
      break;
    case F_READ:
      if (n < 9 || p[0] > 1) { drop(c); break; }
      c->read[p[0]].on = true;
      c->read[p[0]].at = get64(p + 1);
      c->told_exit = false;
      break;
    case F_UNREAD:
      if (n < 1 || p[0] > 1) { drop(c); break; }
      c->read[p[0]].on = false;
      break;
    case F_INPUT: return take_input(c, p, n);
    case F_RESIZE:
      if (n >= 4) resize(c, get16(p), get16(p + 2));
      break;
    case F_SIGNAL:
      if (n >= 2) signal_child(p[0], p[1]);
      break;
    case F_COLLECT:
      if (finished) leaving = true;
      break;
    case F_GOODBYE:
      c->goodbye = true;
      break;
    case F_LIMIT:
      if (n < 8) break;
      spec.most = get64(p);
      if (held) retry_at = now_ms();
      break;
    case F_ATTEND:
      if (n >= 1) attend(c, p[0]);
      break;
    default: break;          /* of a newer client */
  }
  return true;
}

/* Handles whole frames; says how many bytes they were. */
static size_t handle_frames(struct client *c, const byte *p, size_t n) {
  size_t at = 0;
  c->stalled = false;
  while (!c->dead && n - at >= 4) {
    uint32_t length = get32(p + at);
    if (length > FRAME_MAX) { drop(c); break; }
    if (n - at - 4 < length) break;
    if (length && !handle(c, p[at + 4], p + at + 5, length - 1)) {
      c->stalled = true;
      break;
    }
    at += 4 + (size_t)length;
  }
  return at;
}

static void handle_kept(struct client *c) {
  size_t used = handle_frames(c, c->in, c->in_length);
  if (c->dead) return;
  size_t left = c->in_length - used;
  if (left) memmove(c->in, c->in + used, left);
  wipe(c->in + left, used);
  c->in_length = left;
  if (!left) {
    give(c->in, c->in_size);
    c->in = NULL;
    c->in_size = 0;
  }
}

static void receive(struct client *c) {
  ssize_t n = recv(c->fd, inbox, CHUNK, 0);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (n <= 0) { drop(c); return; }
  size_t used = c->in_length ? 0 : handle_frames(c, inbox, (size_t)n);
  if (!c->dead && used < (size_t)n && !append(&c->in, &c->in_length, &c->in_size, inbox + used, (size_t)n - used)) drop(c);
  /* What was kept holds at most one frame that is not whole, unless this append completed it. */
  if (!c->dead && !used && c->in_length) handle_kept(c);
  wipe(inbox, (size_t)n);
}

static bool may_be_read(const struct client *c) { return !c->stalled && c->out_length < REPLIES_MAX; }

static bool peer_is_ours(int fd) {
#if defined(__linux__)
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid();
#else
  uid_t uid;
  gid_t gid;
  return getpeereid(fd, &uid, &gid) == 0 && uid == geteuid();
#endif
}

static void accept_clients(void) {
  for (;;) {
    int fd = flags(accept(listener, NULL, NULL), true);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      /* Without descriptors the listener would be reported as ready for ever: 46 % CPU, measured. */
      if (errno != EAGAIN && errno != EWOULDBLOCK) accept_at = now_ms() + ACCEPT_PAUSE_MS;
      return;
    }
    if (!peer_is_ours(fd)) { close(fd); continue; }
#if defined(KEEPER_TEST_SEND_BUFFER) /* Linux takes 64 KiB whole or not at all unless the buffer is small */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ KEEPER_TEST_SEND_BUFFER }, sizeof(int));
#endif
    if (client_count == client_size) {
      size_t bigger = client_size ? client_size * 2 : 4;
      struct client **more = realloc(clients, bigger * sizeof *more);
      if (!more) { close(fd); continue; }
      clients = more;
      client_size = bigger;
    }
    struct client *c = calloc(1, sizeof *c);
    if (!c) { close(fd); continue; }
    c->fd = fd;
    c->old = -1;
    c->wants = WANT_HELLO | (held ? WANT_HELD : 0);
    clients[client_count++] = c;
  }
}

static bool left_on_purpose(struct client *c);
static void leave(bool missed);

static void bury_clients(void) {
  bool left = false, missed = false;
  for (size_t i = 0; i < client_count;) {
    struct client *c = clients[i];
    if (!c->dead) { i++; continue; }
    if (c->attends) attend(c, false);
    if (c->daemon) {
      left = true;
      if (!left_on_purpose(c)) missed = true;
      daemons--;
    }
    close(c->fd);
    close_fd(&c->old);
    if (c->in) wipe(c->in, c->in_length);
    give(c->in, c->in_size);
    give(c->out, c->out_size);
    free(c);
    clients[i] = clients[--client_count];
  }
  if (left && !daemons) leave(missed);
}

/* ---- bringing a daemon back ---- */

/* A GOODBYE counts that lay unread when the connection ended: behind input that waited, or because a write failed first. */
static bool left_on_purpose(struct client *c) {
  for (int share = 0; share < 16 && !c->goodbye; share++) {
    ssize_t n = recv(c->fd, inbox, CHUNK, MSG_DONTWAIT);
    if (n <= 0 || !append(&c->in, &c->in_length, &c->in_size, inbox, (size_t)n)) break;
    wipe(inbox, (size_t)n);
  }
  for (size_t at = 0; !c->goodbye && c->in_length - at >= 5;) {
    uint32_t length = get32(c->in + at);
    if (length > c->in_length - at - 4) break;
    if (length && c->in[at + 4] == F_GOODBYE) c->goodbye = true;
    at += 4 + (size_t)length;
  }
  return c->goodbye;
}

/* Of 100 keepers that miss the same daemon one should be first. */
static uint64_t in_a_while(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  uint32_t any = ((uint32_t)t.tv_nsec ^ (uint32_t)getpid() * 2654435761u) * 2246822519u;
  return now_ms() + REVIVE_MS + (any >> 8) % REVIVE_SPREAD_MS;
}

static void try_later(void) {
  if (tries >= TRIES_MOST) { revive_at = 0; return; }
  uint64_t wait = BACKOFF_MS;
  for (int i = 1; i < tries && wait < BACKOFF_MOST_MS; i++) wait *= 2;
  revive_at = tries > 0 ? now_ms() + (wait < BACKOFF_MOST_MS ? wait : BACKOFF_MOST_MS) : in_a_while();
}

/* A daemon that comes while one is missed may have been started by any keeper, and may fall at once: the row of tries
 * goes on until one stays, or leaves on purpose. */
static void come(struct client *c) {
  c->daemon = true;
  if (was_attended) tell_attended(c);
  if (daemons++) return;
  if (revive_at) tries++;
  other_starts = false;
  came_at = now_ms();
  /* It comes to the other keepers only a moment later; a lock that is free would have them start a second one. */
  revive_at = start_lock >= 0 ? came_at + LINGER_MS : 0;
}

static void leave(bool missed) {
  close_fd(&start_lock);
  revive_at = 0;
  if (!missed || now_ms() - came_at >= STEADY_MS) tries = 0;
  if (missed && spec.start_file) try_later();
}

/* A regular file of ours that nobody else may write. */
static int open_ours(const char *path, int mode) {
  int fd = flags(open(path, mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600), false);
  struct stat st;
  if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022))) return fd;
  close(fd);
  errno = EPERM;
  return -1;
}

/* As the launcher of the keeper had it. */
static void restore_limits(void) {
  for (int i = 0; i < 3; i++) setrlimit(limited[i], &old_limits[i]);
  umask(old_umask);
}

static void restore_signals(void) {
  struct sigaction action = { .sa_handler = SIG_DFL };
  for (int i = 1; i < NSIG; i++) sigaction(i, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A process beside the keeper, not below it: what a daemon starts is no part of this run. 0 there. On Linux, where the
 * keeper is a subreaper, it becomes a child of the keeper's own parent at once: with two forks subreaping would have to
 * be off for a moment, and an orphan of the run could slip away in it. */
static pid_t fork_beside(void) {
#if defined(__linux__) && defined(__s390__)
  return (pid_t)syscall(SYS_clone, 0L, (long)(CLONE_PARENT | SIGCHLD), 0L, 0L, 0L);
#elif defined(__linux__)
  return (pid_t)syscall(SYS_clone, (long)(CLONE_PARENT | SIGCHLD), 0L, 0L, 0L, 0L);
#else
  pid_t between = fork();
  if (between == 0) {
    pid_t beside = fork();
    if (beside == 0) return 0;
    _exit(beside < 0);
  }
  int status = 0;
  if (between > 0) while (waitpid(between, &status, 0) < 0 && errno == EINTR) {}
  return status ? -1 : between;
#endif
}

/* The strings of a start file as argv and envp; false where it is none. */
static bool parse_start(char *text, size_t length, char **words, char ***envp) {
  size_t count = 0, ends = 0;
  for (size_t at = 0; at < length && ends < 2; count++) {
    char *word = text + at, *end = memchr(word, 0, length - at);
    if (!end || (!count && strcmp(word, "offstage-start 1"))) return false;
    if (ends && *word && !strchr(word, '=')) return false;
    words[count] = *word ? word : NULL;
    if (!*word && !ends++) *envp = words + count + 1;
    at = (size_t)(end - text) + 1;
  }
  return ends == 2 && words[1] && *words[1] == '/';
}

/* Once. 0 or an errno. */
static int start_daemon(void) {
  int fd = open_ours(spec.start_file, O_RDONLY);
  if (fd < 0) return errno;
  size_t size = START_FILE_MOST + 1, have = 0, words_size = (START_FILE_MOST + 1) * sizeof(char *);
  char *text = take(size), **words = take(words_size), **envp = NULL;
  int error = text && words ? 0 : ENOMEM;
  while (!error && have < size) {
    ssize_t n = read(fd, text + have, size - have);
    if (n < 0 && errno != EINTR) error = errno;
    if (n == 0) break;
    if (n > 0) have += (size_t)n;
  }
  close(fd);
  if (!error && (have > START_FILE_MOST || !parse_start(text, have, words, &envp))) error = EINVAL;
  if (!error) {
    pid_t pid = fork_beside();
    if (pid < 0) error = errno;
    if (pid == 0) {          /* descriptors 0 to 2 are on /dev/null, the others close by themselves */
      setsid();
      restore_limits();
      restore_signals();
      if (chdir("/") == 0) execve(words[1], words + 1, envp);
      _exit(127);
    }
  }
  if (text) wipe(text, have);
  give(text, size);
  give(words, words_size);
  return error;
}

/* One step: a start that came to nothing is given up, or the lock is taken and a start made. */
static void revive(void) {
  struct stat st;
  revive_at = 0;
  if (tries < 0) tries = 0;
  if (daemons) { close_fd(&start_lock); return; }
  if (start_lock >= 0) {
    close_fd(&start_lock);
    tries++;
    try_later();
    return;
  }
  if (lstat(spec.start_file, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) { /* stopped: nobody is wanted */
    tries = 0;
    other_starts = false;
    return;
  }
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s.lock", spec.start_file);
  start_lock = open_ours(path, O_RDWR | O_CREAT);
  bool locked = start_lock >= 0 && flock(start_lock, LOCK_EX | LOCK_NB) == 0;
  if (start_lock >= 0 && !locked && errno == EWOULDBLOCK) {
    close_fd(&start_lock);
    other_starts = true;
    revive_at = in_a_while();
    return;
  }
  /* Another keeper's start came to nothing: that try was ours too, or each keeper would make eight of its own. */
  if (locked && !other_starts && !start_daemon()) {
    revive_at = now_ms() + COMES_MS;
    return;
  }
  other_starts = false;
  close_fd(&start_lock);
  tries++;
  try_later();
}

/* ---- the child's output and its end ---- */

/* Reads what is there, logs it. False: the log cannot be written now, the rest stays in the buffer. */
static bool drain(struct stream *s) {
  byte *bytes = buffer[s - streams];
  bool more = true, quiet = round_ms > s->heard_at + 1;
  s->heard_at = round_ms;
  while (more && s->fd >= 0 && !s->have) {
    while (s->have <= BODY_MOST - PTY_READ) { /* one frame, and no read of its last few bytes */
      size_t room = BODY_MOST - s->have;
      if (reaped && room > s->left) room = (size_t)s->left;
      ssize_t n = room ? read(s->fd, bytes + s->have, room) : 0;
      if (n < 0 && errno == EINTR) continue;
      if (n > 0) {
        s->have += (uint32_t)n;
        if (reaped) s->left -= (uint64_t)n;
        else if (quiet && s->have < SHORT) break; /* an echo: to ask for more takes as long as this did */
        continue;
      }
      more = false;
      s->dry = true;
      /* End of file. The PTY's master is kept for its size and its input; a pipe has no further use. */
      if (room && (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) && !spec.pty) close_fd(&s->fd);
      else if (room && (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))) s->left = 0;
      break;
    }
    int error = flush(s);
    if (error) { set_held(error); return false; }
    if (!reaped) break;      /* others want their turn */
  }
  return true;
}

static void reap(void) {
  byte sink[64];
  while (read(wake_in, sink, sizeof sink) > 0) {}
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != child || reaped) continue;
    reaped = true;
    if (WIFSIGNALED(status)) exit_signal = WTERMSIG(status);
    else exit_code = WEXITSTATUS(status);
    for (int i = 0; i < 2; i++) {
      /* A grandchild may hold the other side and write for ever: only what is in the kernel now is the child's. */
      int waiting = 0;
      streams[i].dry = streams[i].fd < 0;
      streams[i].left = !spec.pty && ioctl(streams[i].fd, FIONREAD, &waiting) == 0 ? (uint64_t)waiting : 1 << 20;
    }
    close_input();
    input_errno = 0;         /* those who wait are told that it is closed */
    if (held) retry_at = now_ms(); /* neither the reserve nor the limit holds its last bytes */
  }
}

/* The child is dead: its last bytes, the exit file, then everybody may know. */
static void finish(void) {
  if (!drained) {
    for (int i = 0; i < 2; i++) {
      struct stream *s = &streams[i];
      if (held && folder_is_gone()) { s->have = s->done = 0; s->dry = true; }
      while (!s->dry || s->have) {
        if (s->have && held) return;
        if (!drain(s)) return;
      }
    }
    drained = true;
    close_fd(&slave);
  }
  if (exit_at && now_ms() < exit_at) return;
  char text[96];
  snprintf(text, sizeof text, "%s %d %llu %llu\n", exit_signal ? "signal" : "code", exit_signal ? exit_signal : exit_code,
           (unsigned long long)streams[0].end, (unsigned long long)streams[1].end);
  exit_at = 0;
  if (write_file("exit", text, false, true) && !folder_is_gone()) {
    exit_at = now_ms() + EXIT_RETRY_MS;
    return;
  }
  if (held) set_held(0);
  finished = true;
}

/* ---- the loop ---- */

static void retry_log(void) {
  int error = 0;
  for (int i = 0; i < 2; i++) {
    int e = streams[i].have ? flush(&streams[i]) : 0;
    if (e) error = e;
  }
  input_errno = 0;
  for (size_t i = 0; i < client_count && !input_errno; i++)
    if (!clients[i]->dead && clients[i]->stalled) handle_kept(clients[i]);
  set_held(error ? error : input_errno);
}

static void trim(void) {
#if defined(__linux__)
  /* Bytes that are not in the log yet must stay. */
  for (int i = 0; i < 2; i++)
    if (!streams[i].have) {
      madvise(buffer[i], CHUNK, MADV_DONTNEED);
      streams[i].recent = 0;
    }
  madvise(inbox, BUFFERS_SIZE - 2 * CHUNK, MADV_DONTNEED);
#endif
}

static int wait_ms(void) {
  uint64_t next = 0;
  const uint64_t all[] = { retry_at, exit_at, accept_at, trim_at, revive_at };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] && (!next || all[i] < next)) next = all[i];
  for (size_t i = 0; i < client_count; i++) {
    uint64_t at = more_at(clients[i]);
    if (at && (!next || at < next)) next = at;
  }
  if (!next) return -1;
  uint64_t now = now_ms();
  return next > now ? (int)(next - now) : 0;
}

static void serve(void) {
  enum { WAKE, LISTEN, OUT, ERR, IN, FIXED };
  while (!leaving) {
    size_t count = client_count;
    if (FIXED + count > poll_size) {
      size_t bigger = FIXED + count + 8;
      struct pollfd *more = realloc(polls, bigger * sizeof *more);
      if (more) { polls = more; poll_size = bigger; }
      else count = poll_size - FIXED;
    }
    bool take_output = !held && !reaped;
    polls[WAKE] = (struct pollfd){ .fd = wake_in, .events = POLLIN };
    polls[LISTEN] = (struct pollfd){ .fd = accept_at ? -1 : listener, .events = POLLIN };
    for (int i = 0; i < 2; i++) /* `left` 0 with an open PTY: it said end of file, asking again would spin */
      polls[OUT + i] = (struct pollfd){ .fd = take_output && streams[i].left ? streams[i].fd : -1, .events = POLLIN };
    polls[IN] = (struct pollfd){ .fd = queue ? input : -1, .events = POLLOUT };
    for (size_t i = 0; i < count; i++) {
      struct client *c = clients[i];
      short events = (short)((may_be_read(c) ? POLLIN : 0) | (has_more(c) ? POLLOUT : 0));
      polls[FIXED + i] = (struct pollfd){ .fd = c->fd, .events = events };
    }
    int ready = poll(polls, (nfds_t)(FIXED + count), wait_ms());
    if (ready < 0 && errno != EINTR && errno != EAGAIN) { sleep(1); continue; } /* ENOMEM: not a reason to spin */
    if (ready < 0) for (size_t i = 0; i < FIXED + count; i++) polls[i].revents = 0;
    uint64_t now = round_ms = now_ms();
    if (accept_at && now >= accept_at) accept_at = 0;
    if (ready == 0 && trim_at && now >= trim_at) { trim(); trim_at = 0; }
    else if (ready > 0) trim_at = now + TRIM_MS;

    if (polls[WAKE].revents) reap();
    for (int i = 0; i < 2; i++)
      if (polls[OUT + i].revents && !reaped && !held) drain(&streams[i]);
    if (retry_at && now >= retry_at) retry_log();
    if (polls[IN].revents && queue) feed_child();
    for (size_t i = 0; i < count; i++) {
      short got = polls[FIXED + i].revents;
      struct client *c = clients[i];
      if (!got) continue;
      if (got & POLLIN) receive(c);
      else if (got & (POLLHUP | POLLERR | POLLNVAL)) drop(c);
    }
    if (reaped && !finished) finish();
    for (size_t i = 0; i < client_count; i++) {
      struct client *c = clients[i];
      if (!c->dead && c->stalled && queued <= QUEUE_MAX && !input_errno) handle_kept(c);
    }
    if (polls[LISTEN].revents) accept_clients();
    for (int daemon = 0; daemon < 2; daemon++) /* who waits for what they typed is first */
      for (size_t i = 0; i < client_count; i++)
        if (!clients[i]->dead && clients[i]->daemon == daemon && has_more(clients[i])) pump(clients[i]);
    bury_clients();
    if (revive_at && now_ms() >= revive_at) revive();
    if (finished && !client_count && folder_is_gone()) return; /* nobody can come to collect */
  }
}

/* ---- launch ---- */

static void say(int fd, const char *text) {
  size_t length = strlen(text);
  while (length) {
    ssize_t n = write(fd, text, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text += n;
    length -= (size_t)n;
  }
}

static void forget_socket(void) {
  struct stat st;
  if (listener >= 0 && lstat(spec.socket_path, &st) == 0 && st.st_dev == socket_device && st.st_ino == socket_inode)
    unlink(spec.socket_path);
}

static _Noreturn void fail(const char *step, int error) {
  char line[256];
  snprintf(line, sizeof line, "error %s %d %s\n", step, error, strerror(error));
  forget_socket();
  say(answer, line);
  _exit(1);
}

static int read_record(void) {
  size_t have = 0, size = 1 << 16;
  byte *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (p == MAP_FAILED) return ENOMEM;
  for (;;) {
    if (have == size) {
      if (size >= 64 << 20) return E2BIG;
      byte *q = mmap(NULL, size * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
      if (q == MAP_FAILED) return ENOMEM;
      memcpy(q, p, have);
      munmap(p, size);
      p = q;
      size *= 2;
    }
    ssize_t n = read(0, p + have, size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    have += (size_t)n;
  }
  spec.record = p;
  spec.record_size = size;
  spec.record_length = have;
  if (have < 5 || memcmp(p, "OKL1", 4)) return EINVAL;
  /* No more fields than headers fit. */
  spec.argv = calloc(have / 5 + 2, sizeof *spec.argv);
  spec.envp = calloc(have / 5 + 2, sizeof *spec.envp);
  if (!spec.argv || !spec.envp) return ENOMEM;
  size_t argc = 0, envc = 0, at = 4;
  bool mode = false;
  while (at < have && p[at]) {
    int tag = p[at];
    if (have - at < 6) return EINVAL;
    uint32_t length = get32(p + at + 1);
    byte *value = p + at + 5;
    p[at] = 0;               /* ends the text of the field before; its own tag was read */
    if (length >= have - at - 5) return EINVAL;
    at += 5 + (size_t)length;
    bool text = !memchr(value, 0, length);
    switch (tag) {
      case 1: if (!text || (!argc && !length)) return EINVAL; spec.argv[argc++] = (char *)value; break;
      case 2: if (!text || !memchr(value, '=', length)) return EINVAL; spec.envp[envc++] = (char *)value; break;
      case 3: if (!text || !length) return EINVAL; spec.directory = (char *)value; break;
      case 4: if (length != 1 || (*value != 't' && *value != 'p')) return EINVAL; spec.pty = *value == 't'; mode = true; break;
      case 5: if (length != 4 || !get16(value) || !get16(value + 2)) return EINVAL;
              spec.columns = get16(value); spec.rows = get16(value + 2); break;
      case 6: if (!text || !length || *value != '/') return EINVAL; spec.socket_path = (char *)value; break;
      case 7: if (!text || !length || length > 64) return EINVAL;
              for (uint32_t i = 0; i < length; i++) if (value[i] <= ' ' || value[i] > '~') return EINVAL;
              spec.nonce = (char *)value; break;
      case 8: if (length != 8 || get64(value) < 4096 || get64(value) > INT64_MAX / 2) return EINVAL; spec.segment = get64(value); break;
      case 9: if (length != 8) return EINVAL; spec.reserve = get64(value); break;
      case 10: if (!text || length > PATH_MAX - 8 || !length || *value != '/') return EINVAL; spec.start_file = (char *)value; break;
      case 11: case 13: {
        struct stream *s = &streams[tag == 13];
        if (length != 16 || get64(value) > INT64_MAX / 2 || get64(value + 8) > INT64_MAX / 2) return EINVAL;
        s->keeps = true;
        s->first = get64(value);
        s->last = get64(value + 8);
        break;
      }
      case 12: if (length != 8) return EINVAL; spec.most = get64(value); break;
      default: break;
    }
  }
  if (at >= have) return EINVAL; /* cut short */
  return argc && mode && spec.directory && spec.socket_path && spec.nonce ? 0 : EINVAL;
}

static void on_child(int number) {
  (void)number;
  int keep = errno;
  ssize_t n = write(wake_out, "", 1);
  (void)n;
  errno = keep;
}

static void set_signals(void) {
  const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU,
                          SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF };
  struct sigaction action = { .sa_handler = SIG_IGN };
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) sigaction(ignored[i], &action, NULL);
  action.sa_handler = on_child;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void listen_there(void) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  if (strlen(spec.socket_path) >= sizeof address.sun_path) fail("socket", ENAMETOOLONG);
  strcpy(address.sun_path, spec.socket_path);
  struct stat st;
  if (lstat(spec.socket_path, &st) == 0) {
    if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid()) fail("socket", EEXIST);
    int probe = flags(socket(AF_UNIX, SOCK_STREAM, 0), true);
    if (probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof address) == 0) fail("socket", EADDRINUSE);
    close_fd(&probe);
    unlink(spec.socket_path);
  }
  int fd = flags(socket(AF_UNIX, SOCK_STREAM, 0), true);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("socket", errno);
  if (lstat(spec.socket_path, &st) == 0) {
    socket_device = st.st_dev;
    socket_inode = st.st_ino;
  }
  listener = fd;
  if (listen(fd, 1024) < 0) fail("socket", errno);
}

struct outcome { int step, error; };
enum { STEP_FORK, STEP_PTY, STEP_CHDIR, STEP_EXEC };
static const char *const step_names[] = { "fork", "pty", "chdir", "exec" };

static void execute(char *path) {
  execve(path, spec.argv, spec.envp);
  if (errno != ENOEXEC) return;
  /* A script without #!, as every shell does it. `path` takes the place of the name. */
  size_t count = 0;
  while (spec.argv[count]) count++;
  char **shell = calloc(count + 2, sizeof *shell);
  if (!shell) return;
  shell[0] = (char *)"sh";
  shell[1] = path;
  memcpy(shell + 2, spec.argv + 1, (count - 1) * sizeof *shell);
  execve("/bin/sh", shell, spec.envp);
  errno = ENOEXEC;
}

static void search_and_execute(void) {
  char *name = spec.argv[0];
  if (strchr(name, '/')) { execute(name); return; }
  const char *search = "/usr/local/bin:/usr/bin:/bin";
  for (char **e = spec.envp; *e; e++)
    if (!strncmp(*e, "PATH=", 5)) search = *e + 5;
  int seen = ENOENT;
  for (const char *p = search;; p++) {
    size_t length = strcspn(p, ":");
    char path[PATH_MAX];
    if (length + strlen(name) + 3 < sizeof path) {
      snprintf(path, sizeof path, "%.*s/%s", length ? (int)length : 1, length ? p : ".", name);
      execute(path);
      if (errno == EACCES) seen = EACCES;
      else if (errno != ENOENT && errno != ENOTDIR) return;
    }
    p += length;
    if (!*p) break;
  }
  errno = seen;
}

static _Noreturn void be_child(const int ends[3], int sync) {
  struct outcome bad = { STEP_FORK, 0 };
  byte go = 0;
  setsid();
  if (spec.pty && ioctl(slave, TIOCSCTTY, 0) < 0) { bad = (struct outcome){ STEP_PTY, errno }; goto failed; }
  while (read(sync, &go, 1) < 0 && errno == EINTR) {}
  if (go != 'g') _exit(127); /* the keeper is gone: nothing may run without it */
#if defined(__linux__)
  /* Out of memory is the child's fault more likely than the keeper's. */
  int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    char text[16] = { 0 };
    if (read(fd, text, sizeof text - 1) > 0) {
      int score = atoi(text) + 200;
      snprintf(text, sizeof text, "%d", score > 1000 ? 1000 : score);
      if (lseek(fd, 0, SEEK_SET) == 0) say(fd, text);
    }
    close(fd);
  }
#endif
  for (int i = 0; i < 3; i++)
    if (dup2(ends[i], i) < 0) { bad.error = errno; goto failed; }
  restore_limits();
  if (chdir(spec.directory) < 0) { bad = (struct outcome){ STEP_CHDIR, errno }; goto failed; }
  restore_signals();
  search_and_execute();
  bad = (struct outcome){ STEP_EXEC, errno };
failed:
  if (write(sync, &bad, sizeof bad) < 0) _exit(126);
  _exit(127);
}

static int open_pty(int ends[3]) {
  int master = flags(posix_openpt(O_RDWR | O_NOCTTY), true);
  if (master < 0) return -1;
  streams[0].fd = input = master;
  if (grantpt(master) < 0 || unlockpt(master) < 0) return -1;
  const char *name = ptsname(master);
  if (!name) return -1;
  /* Kept open here too: else a child that closes its terminal for a while would make the master hang up. */
  slave = flags(open(name, O_RDWR | O_NOCTTY), false);
  if (slave < 0) return -1;
  struct termios settings;
  if (tcgetattr(slave, &settings) == 0) {
#if defined(IUTF8)
    settings.c_iflag |= IUTF8;
#endif
    tcsetattr(slave, TCSANOW, &settings);
  }
  struct winsize size = { .ws_col = spec.columns, .ws_row = spec.rows };
  if (ioctl(slave, TIOCSWINSZ, &size) < 0) return -1;
  ends[0] = ends[1] = ends[2] = slave;
  return 0;
}

static int open_pipes(int ends[3]) {
  int in[2], out[2], err[2];
  if (make_pipe(in) < 0 || make_pipe(out) < 0 || make_pipe(err) < 0) return -1;
  ends[0] = in[0];
  ends[1] = out[1];
  ends[2] = err[1];
  input = flags(in[1], true);
  streams[0].fd = flags(out[0], true);
  streams[1].fd = flags(err[0], true);
  return input < 0 || streams[0].fd < 0 || streams[1].fd < 0 ? -1 : 0;
}

static void start_child(void) {
  int ends[3], sync[2], wake[2], error;
  if ((spec.pty ? open_pty(ends) : open_pipes(ends)) < 0) fail("pty", errno);
  for (int i = 0; i < (spec.pty ? 1 : 2); i++) {
    streams[i].left = 1;
    streams[i].gap = streams[i].gap_end = (streams[i].first + spec.segment - 1) / spec.segment * spec.segment;
    streams[i].log = open_segment(streams[i].name, 0, O_RDWR | O_CREAT | O_EXCL);
    if (streams[i].log < 0) fail("folder", errno);
  }
  if (make_pipe(wake) < 0 || flags(wake[0], true) < 0 || flags(wake[1], true) < 0) fail("fork", errno);
  wake_in = wake[0];
  wake_out = wake[1];
  set_signals();
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sync) < 0 || flags(sync[0], false) < 0 || flags(sync[1], false) < 0) fail("fork", errno);
  child = fork();
  if (child < 0) fail("fork", errno);
  if (child == 0) {
    close(sync[0]);
    be_child(ends, sync[1]);
  }
  close(sync[1]);
  child_start = start_of(child);
  char text[64];
  snprintf(text, sizeof text, "%ld %llu\n", (long)child, (unsigned long long)child_start);
  /* Only for finding what lives: after a power cut nothing does. */
  if ((error = write_file("child", text, false, false))) fail("identity", error);
  say(sync[0], "g");
  struct outcome outcome;
  ssize_t n;
  while ((n = read(sync[0], &outcome, sizeof outcome)) < 0 && errno == EINTR) {}
  if (n == sizeof outcome) fail(step_names[outcome.step & 3], outcome.error);
  close(sync[0]);
  if (!spec.pty) for (int i = 0; i < 3; i++) close(ends[i]);
}

static _Noreturn void be_keeper(const char *path) {
  char text[160];
  int error, nothing = open("/dev/null", O_RDWR);
  if (nothing < 0) fail("folder", errno);
  for (int fd = 0; fd < 3; fd++) dup2(nothing, fd);
  if (nothing > 2) close(nothing);
  old_umask = umask(077);
  for (int i = 0; i < 3; i++) { /* a core would hold what was typed; log and readers get what the user may have */
    getrlimit(limited[i], &old_limits[i]);
    setrlimit(limited[i], &(struct rlimit){ i ? old_limits[i].rlim_max : 0, old_limits[i].rlim_max });
  }
#if defined(__linux__)
  prctl(PR_SET_NAME, "offstage-keeper");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
  folder = flags(open(path, O_RDONLY | O_DIRECTORY), false);
  if (folder < 0) fail("folder", errno);
  int lock = flags(openat(folder, "keeper.lock", O_RDWR | O_CREAT, 0600), false);
  if (lock < 0) fail("folder", errno);
  if (flock(lock, LOCK_EX | LOCK_NB) < 0) fail("lock", errno);
  struct stat st;
  if (fstatat(folder, "keeper", &st, AT_SYMLINK_NOFOLLOW) == 0) fail("used", EEXIST);
  uint64_t start = start_of(getpid());
  snprintf(text, sizeof text, "%ld %llu %s\n", (long)getpid(), (unsigned long long)start, spec.nonce);
  if ((error = write_file("keeper", text, true, true))) fail(error == EEXIST ? "used" : "identity", error);
  listen_there();
  start_child();
  if (chdir("/") < 0) {}
  spec.socket_path = strdup(spec.socket_path);
  spec.nonce = strdup(spec.nonce);
  if (spec.start_file) {
    spec.start_file = strdup(spec.start_file);
    revive_at = now_ms() + COMES_MS; /* who launched us may die before it comes */
  }
  byte *buffers = mmap(NULL, BUFFERS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (buffers == MAP_FAILED) fail("fork", ENOMEM);
  buffer = (byte (*)[CHUNK])(void *)buffers;
  inbox = buffers + 2 * CHUNK;
  outbox = inbox + CHUNK;
  polls = calloc(16, sizeof *polls);
  poll_size = 16;
  snprintf(text, sizeof text, "ok %ld %llu %ld %llu\n", (long)getpid(), (unsigned long long)start, (long)child,
           (unsigned long long)child_start);
  say(answer, text);
  close_fd(&answer);
  wipe(spec.record, spec.record_length);
  munmap(spec.record, spec.record_size);
  free(spec.argv);
  free(spec.envp);
  serve();
  forget_socket();
  _exit(0);
}

/* Reads the record, leaves a keeper behind that is nobody's child, passes its answer on. */
int main(int argc, char **argv) {
  if (argc != 2) {
    say(2, "usage: keeper RUN_FOLDER, with the launch record on descriptor 0 (docs/keeper-protocol.md)\n");
    return 2;
  }
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return 1;
  close_above_two();
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  answer = 1;
  int error = read_record();
  if (error) fail("record", error);
  int ends[2];
  if (make_pipe(ends) < 0) fail("fork", errno);
  pid_t pid = fork();
  if (pid < 0) fail("fork", errno);
  if (pid == 0) {
    close(ends[0]);
    answer = ends[1];
    setsid();
    pid_t keeper = fork();
    if (keeper < 0) fail("fork", errno);
    if (keeper == 0) be_keeper(argv[1]);
    _exit(0);
  }
  close(ends[1]);
  char line[512];
  size_t have = 0;
  ssize_t n;
  while (have < sizeof line - 1) {
    n = read(ends[0], line + have, sizeof line - 1 - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += (size_t)n;
  }
  line[have] = 0;
  if (!have) fail("fork", ECHILD);
  say(1, line);
  return strncmp(line, "ok ", 3) ? 1 : 0;
}
