// SPDX-License-Identifier: Apache-2.0
#ifndef HTMENGINE_CBENCHMARK_H
#define HTMENGINE_CBENCHMARK_H

#include <stddef.h>

/// Bytes the allocator has handed out and not got back, large blocks included.
size_t cb_allocated_bytes(void);

#endif
