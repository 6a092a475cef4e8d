// SPDX-License-Identifier: Apache-2.0
// The files of the dashboard and the OpenAPI document, compiled into the binary: no path is needed at run time.
#ifndef CWEBASSETS_H
#define CWEBASSETS_H

#include <stddef.h>

/// One embedded file. `bytes` lives as long as the process and isn't NUL-terminated.
typedef struct {
    const char *name;
    const char *content_type;
    const unsigned char *bytes;
    size_t count;
} htmengine_asset;

/// Number of embedded files.
size_t htmengine_asset_count(void);

/// The file at `index`, which must be below `htmengine_asset_count()`.
htmengine_asset htmengine_asset_at(size_t index);

#endif
