// SPDX-License-Identifier: Apache-2.0
// System calls and macros that Swift's Glibc module doesn't import.
#ifndef HTMENGINE_CSYSTEM_H
#define HTMENGINE_CSYSTEM_H

#include <stddef.h>

/// The first occurrence of `byte` in `length` bytes at `start`, or -1.
ptrdiff_t cs_find_byte(const void *start, int byte, size_t length);

/// Takes an exclusive lock on an open file for as long as it stays open; 0, or the error number (EWOULDBLOCK: held by another).
int cs_lock_file(int descriptor);

/// Names the calling thread for debuggers; the system keeps 15 bytes.
void cs_name_thread(const char *name);

/// Memory of this process that is neither shared nor backed by files, in bytes; -1 when the system doesn't say.
long long cs_anonymous_bytes(void);

/// Lets threads share `count` heaps of the C library: each keeps what was freed in it, so that many of them keep much.
void cs_limit_arenas(int count);

/// Leaves large blocks that were freed in the C library's heaps, where the next ones find them: getting new pages from the system is a
/// quarter of the time that loading or saving a model takes.
void cs_keep_freed_memory(void);

/// Gives memory that was freed back to the system.
void cs_return_memory(void);

#endif
