// SPDX-License-Identifier: Apache-2.0
#include "CBenchmark.h"

#include <malloc.h>

size_t cb_allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
