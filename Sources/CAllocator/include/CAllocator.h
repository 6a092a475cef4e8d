// SPDX-License-Identifier: Apache-2.0
// The allocator of our programs: whoever links this target allocates with jemalloc, from the first byte on.
#ifndef HTMENGINE_CALLOCATOR_H
#define HTMENGINE_CALLOCATOR_H

#include <stddef.h>

/// Bytes handed out and not given back, rounded up to what is really set aside for them; what the calling thread keeps for itself is
/// left out.
size_t ca_allocated_bytes(void);

#endif
