/*
 * A PKCS#11 module that forwards to another one and fails on demand. For tests; ../shim.ts builds and
 * steers it.
 *
 * Environment: SHIM_MODULE   the module to forward to
 *              SHIM_CONTROL  the rules, one a line: id function action value after times process mechanism
 *              SHIM_STATE    counters that all processes share, mapped into memory
 *              SHIM_JOURNAL  one line is appended for each start, login and fault
 *              SHIM_DEEPBIND 1: the module binds to its own OpenSSL and not to that of the process
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Every argument of PKCS#11 is a pointer or no longer than one, and every function gives a CK_RV. */
typedef unsigned long word;
typedef word (*function)(void);

/* Functions of a CK_FUNCTION_LIST, version 2. */
#define FUNCTIONS 68
typedef struct {
  unsigned char major, minor;
  function call[FUNCTIONS];
} function_list;

#define CKR_OK 0x00
#define CKR_GENERAL_ERROR 0x05
#define CKR_OBJECT_HANDLE_INVALID 0x82

/* What is wrapped: name, place in the list, number of arguments. */
#define WRAPPED(W) \
  W(C_Initialize, 0, 1) W(C_Finalize, 1, 1) W(C_GetSlotList, 4, 3) W(C_GetTokenInfo, 6, 2) \
  W(C_GetMechanismList, 7, 3) W(C_OpenSession, 12, 5) W(C_CloseSession, 13, 1) W(C_Login, 18, 4) \
  W(C_Logout, 19, 1) W(C_CreateObject, 20, 4) W(C_DestroyObject, 22, 2) W(C_GetAttributeValue, 24, 4) \
  W(C_FindObjectsInit, 26, 3) W(C_FindObjects, 27, 4) W(C_FindObjectsFinal, 28, 1) W(C_SignInit, 42, 3) \
  W(C_Sign, 43, 5) W(C_VerifyInit, 48, 3) W(C_Verify, 49, 5) W(C_GenerateKey, 58, 5) \
  W(C_GenerateKeyPair, 59, 8) W(C_UnwrapKey, 61, 8) W(C_DeriveKey, 62, 6) W(C_GenerateRandom, 64, 3)

#define CONSTANT(name, at, arity) name = at,
enum { WRAPPED(CONSTANT) };

static const char *const names[FUNCTIONS] = {
#define NAME(name, at, arity) [at] = #name,
  WRAPPED(NAME)
};

/* The shared file. A rule's id is never used twice, so its counter goes from nought. */
#define RULE_IDS 65536
typedef struct {
  _Atomic unsigned generation; /* written by the tests after each change of the rules */
  _Atomic unsigned processes;  /* that have loaded the shim */
  _Atomic unsigned calls[FUNCTIONS];
  _Atomic unsigned met[RULE_IDS]; /* calls that a rule was for, fired or not */
} shared_state;

enum action { LATENCY, CKR, CRASH, HANG, FLIP, GONE };
static const char *const actions[] = {"latency", "ckr", "crash", "hang", "flip", "gone"};

typedef struct {
  unsigned id;
  char function[32];
  enum action action;
  unsigned long value;
  long after, times, process, mechanism; /* -1: any */
} rule;

#define MAX_RULES 64
typedef struct {
  unsigned generation;
  int count;
  rule rule[MAX_RULES];
} rule_set;

static function_list *real;
static function_list ours;
static shared_state *shared;
static int journal = -1;
static long ordinal;
static _Atomic(rule_set *) rules;
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
/* As SoftHSM does: a token that was gone once stays so for this process until C_Initialize. */
static _Atomic int gone;
/* The mechanism that a session signs with, by its handle. */
#define SESSIONS 65536
static _Atomic word mechanisms[SESSIONS];

static void note(const char *format, ...) {
  char line[200];
  int length = snprintf(line, sizeof line, "%ld %ld ", (long)getpid(), ordinal);
  va_list rest;
  va_start(rest, format);
  length += vsnprintf(line + length, sizeof line - length - 1, format, rest);
  va_end(rest);
  line[length++] = '\n';
  if (write(journal, line, length) != length) abort();
}

static rule_set *read_rules(unsigned generation) {
  rule_set *set = calloc(1, sizeof *set);
  FILE *file = fopen(getenv("SHIM_CONTROL"), "r");
  char action[16];
  set->generation = generation;
  while (file != NULL && set->count < MAX_RULES) {
    rule *r = &set->rule[set->count];
    if (fscanf(file, "%u %31s %15s %lu %ld %ld %ld %ld", &r->id, r->function, action, &r->value, &r->after,
               &r->times, &r->process, &r->mechanism) != 8) break;
    for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++) {
      if (strcmp(actions[i], action) == 0) r->action = (enum action)i;
    }
    set->count++;
  }
  if (file != NULL) fclose(file);
  return set;
}

/* Older sets are not freed: another thread may still look at them. */
static rule_set *current_rules(void) {
  unsigned generation = atomic_load(&shared->generation);
  rule_set *set = atomic_load(&rules);
  if (set != NULL && set->generation == generation) return set;
  pthread_mutex_lock(&reading);
  set = atomic_load(&rules);
  if (set == NULL || set->generation != generation) atomic_store(&rules, set = read_rules(generation));
  pthread_mutex_unlock(&reading);
  return set;
}

static void pause_for(unsigned long microseconds) {
  struct timespec left = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0) {}
}

static void crash(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
}

static int fits(const rule *r, int at, word mechanism) {
  return (strcmp(r->function, "*") == 0 || strcmp(r->function, names[at]) == 0) &&
         (r->process < 0 || r->process == ordinal) && (r->mechanism < 0 || (word)r->mechanism == mechanism);
}

/* What the rules want of this call: 0 to go on, 1 to return *rv. *flip: the signature is to be spoilt. */
static int interfere(int at, word mechanism, word *rv, int *flip) {
  rule_set *set = current_rules();
  for (int i = 0; i < set->count; i++) {
    rule *r = &set->rule[i];
    if (!fits(r, at, mechanism)) continue;
    long met = atomic_fetch_add(&shared->met[r->id % RULE_IDS], 1);
    if (met < r->after || (r->times >= 0 && met >= r->after + r->times)) continue;
    if (r->action == LATENCY) {
      pause_for(r->value);
      continue;
    }
    if (r->action == GONE) {
      if (atomic_exchange(&gone, 1) == 0) note("fault %u %s gone 0", r->id, names[at]);
      continue;
    }
    note("fault %u %s %s %lu", r->id, names[at], actions[r->action], r->value);
    if (r->action == CRASH) crash();
    if (r->action == HANG) pause_for(r->value);
    if (r->action == FLIP) *flip = 1;
    if (r->action == CKR) {
      *rv = r->value;
      return 1;
    }
  }
  return 0;
}

/* How SoftHSM 2.6.1 answers once its directory has gone; -1: as ever. */
static long answer_when_gone(int at, word *argument) {
  switch (at) {
    case C_GetSlotList: *(word *)argument[2] = 0; return CKR_OK;
    case C_FindObjects: *(word *)argument[3] = 0; return CKR_OK;
    case C_SignInit: case C_GetAttributeValue: return CKR_OBJECT_HANDLE_INVALID;
    case C_GetTokenInfo: case C_DestroyObject: case C_GenerateKey: case C_GenerateKeyPair:
      return CKR_GENERAL_ERROR;
    default: return -1;
  }
}

static word forward(int at, int arity, word *a) {
  function f = real->call[at];
  switch (arity) {
    case 1: return ((word(*)(word))f)(a[0]);
    case 2: return ((word(*)(word, word))f)(a[0], a[1]);
    case 3: return ((word(*)(word, word, word))f)(a[0], a[1], a[2]);
    case 4: return ((word(*)(word, word, word, word))f)(a[0], a[1], a[2], a[3]);
    case 5: return ((word(*)(word, word, word, word, word))f)(a[0], a[1], a[2], a[3], a[4]);
    case 6: return ((word(*)(word, word, word, word, word, word))f)(a[0], a[1], a[2], a[3], a[4], a[5]);
    default:
      return ((word(*)(word, word, word, word, word, word, word, word))f)(a[0], a[1], a[2], a[3], a[4], a[5],
                                                                          a[6], a[7]);
  }
}

static word wrapped(int at, int arity, word *a) {
  word rv = CKR_OK;
  int flip = 0;
  word mechanism = 0;
  atomic_fetch_add(&shared->calls[at], 1);
  if (at == C_SignInit) atomic_store(&mechanisms[a[0] % SESSIONS], *(word *)a[1]);
  if (at == C_SignInit || at == C_Sign) mechanism = atomic_load(&mechanisms[a[0] % SESSIONS]);
  if (at == C_Initialize) atomic_store(&gone, 0);
  int decided = interfere(at, mechanism, &rv, &flip);
  long absent = atomic_load(&gone) ? answer_when_gone(at, a) : -1;
  if (!decided && absent >= 0) rv = (word)absent;
  else if (!decided) rv = forward(at, arity, a);
  if (at == C_Initialize || at == C_Login) note("%s %lu", names[at], rv);
  if (flip && rv == CKR_OK && a[3] != 0) ((unsigned char *)a[3])[5] ^= 4;
  return rv;
}

#define DEFINE_1(name) static word w_##name(word a) { word v[] = {a}; return wrapped(name, 1, v); }
#define DEFINE_2(name) static word w_##name(word a, word b) { word v[] = {a, b}; return wrapped(name, 2, v); }
#define DEFINE_3(name) \
  static word w_##name(word a, word b, word c) { word v[] = {a, b, c}; return wrapped(name, 3, v); }
#define DEFINE_4(name) \
  static word w_##name(word a, word b, word c, word d) { \
    word v[] = {a, b, c, d}; return wrapped(name, 4, v); }
#define DEFINE_5(name) \
  static word w_##name(word a, word b, word c, word d, word e) { \
    word v[] = {a, b, c, d, e}; return wrapped(name, 5, v); }
#define DEFINE_6(name) \
  static word w_##name(word a, word b, word c, word d, word e, word f) { \
    word v[] = {a, b, c, d, e, f}; return wrapped(name, 6, v); }
#define DEFINE_8(name) \
  static word w_##name(word a, word b, word c, word d, word e, word f, word g, word h) { \
    word v[] = {a, b, c, d, e, f, g, h}; return wrapped(name, 8, v); }
#define DEFINE(name, at, arity) DEFINE_##arity(name)
WRAPPED(DEFINE)

static int open_files(void) {
  int file = open(getenv("SHIM_STATE"), O_RDWR);
  if (file < 0) return 0;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  journal = open(getenv("SHIM_JOURNAL"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  return shared != MAP_FAILED && journal >= 0;
}

static int load(void) {
  int flags = RTLD_NOW | RTLD_LOCAL;
#ifdef RTLD_DEEPBIND
  if (getenv("SHIM_DEEPBIND") != NULL) flags |= RTLD_DEEPBIND;
#endif
  void *module = dlopen(getenv("SHIM_MODULE"), flags);
  word (*list)(function_list **) = module == NULL ? NULL : dlsym(module, "C_GetFunctionList");
  return list != NULL && list(&real) == CKR_OK;
}

__attribute__((visibility("default"))) word C_GetFunctionList(function_list **list) {
  if (real == NULL) {
    if (!open_files() || !load()) {
      fprintf(stderr, "the shim cannot load: %s\n", dlerror());
      return CKR_GENERAL_ERROR;
    }
    ordinal = atomic_fetch_add(&shared->processes, 1) + 1;
    ours = *real;
    ours.call[3] = (function)C_GetFunctionList;
#define REPLACE(name, at, arity) ours.call[at] = (function)w_##name;
    WRAPPED(REPLACE)
  }
  *list = &ours;
  return CKR_OK;
}
