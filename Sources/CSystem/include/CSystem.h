// SPDX-License-Identifier: Apache-2.0
// System calls and macros that Swift's Glibc module doesn't import.
#ifndef HTMENGINE_CSYSTEM_H
#define HTMENGINE_CSYSTEM_H

#include <stddef.h>

/// The first occurrence of `byte` in `length` bytes at `start`, or -1.
ptrdiff_t cs_find_byte(const void *start, int byte, size_t length);

#endif
