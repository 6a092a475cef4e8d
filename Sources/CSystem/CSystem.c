// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE 1
#include "CSystem.h"
#include <string.h>

ptrdiff_t cs_find_byte(const void *start, int byte, size_t length) {
    const char *found = memchr(start, byte, length);
    return found ? found - (const char *)start : -1;
}
