#include <sqlite3.h>

/* Variadic functions aren't imported. Without statistics SQLite's allocator needs no lock; only before the first connection. */
static inline int csqlite_leave_out_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
