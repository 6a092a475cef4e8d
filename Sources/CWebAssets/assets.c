// SPDX-License-Identifier: Apache-2.0
#include "CWebAssets.h"

// C23's #embed takes a file in at compile time in a fraction of a second; SwiftPM's own resources either bake the build
// directory into the binary or take half a minute for a file of this size.
static const unsigned char index_html[] = {
#embed "assets/index.html"
};
static const unsigned char style_css[] = {
#embed "assets/style.css"
};
static const unsigned char app_js[] = {
#embed "assets/app.js"
};
static const unsigned char dom_js[] = {
#embed "assets/dom.js"
};
static const unsigned char api_js[] = {
#embed "assets/api.js"
};
static const unsigned char format_js[] = {
#embed "assets/format.js"
};
static const unsigned char charts_js[] = {
#embed "assets/charts.js"
};
static const unsigned char overview_js[] = {
#embed "assets/overview.js"
};
static const unsigned char actions_js[] = {
#embed "assets/actions.js"
};
static const unsigned char metric_js[] = {
#embed "assets/metric.js"
};
static const unsigned char events_js[] = {
#embed "assets/events.js"
};
static const unsigned char csv_js[] = {
#embed "assets/csv.js"
};
static const unsigned char add_js[] = {
#embed "assets/add.js"
};
static const unsigned char uplot_js[] = {
#embed "assets/uplot.iife.min.js"
};
static const unsigned char uplot_css[] = {
#embed "assets/uplot.min.css"
};
static const unsigned char uplot_licence[] = {
#embed "assets/uPlot-LICENSE.txt"
};
static const unsigned char favicon[] = {
#embed "assets/favicon.svg"
};
static const unsigned char openapi[] = {
#embed "assets/openapi.json"
};

#define ASSET(file, type, array) { file, type, array, sizeof array }

static const htmengine_asset assets[] = {
    ASSET("index.html", "text/html; charset=utf-8", index_html),
    ASSET("style.css", "text/css; charset=utf-8", style_css),
    ASSET("app.js", "text/javascript; charset=utf-8", app_js),
    ASSET("dom.js", "text/javascript; charset=utf-8", dom_js),
    ASSET("api.js", "text/javascript; charset=utf-8", api_js),
    ASSET("format.js", "text/javascript; charset=utf-8", format_js),
    ASSET("charts.js", "text/javascript; charset=utf-8", charts_js),
    ASSET("overview.js", "text/javascript; charset=utf-8", overview_js),
    ASSET("actions.js", "text/javascript; charset=utf-8", actions_js),
    ASSET("metric.js", "text/javascript; charset=utf-8", metric_js),
    ASSET("events.js", "text/javascript; charset=utf-8", events_js),
    ASSET("csv.js", "text/javascript; charset=utf-8", csv_js),
    ASSET("add.js", "text/javascript; charset=utf-8", add_js),
    ASSET("uplot.js", "text/javascript; charset=utf-8", uplot_js),
    ASSET("uplot.css", "text/css; charset=utf-8", uplot_css),
    ASSET("uPlot-LICENSE.txt", "text/plain; charset=utf-8", uplot_licence),
    ASSET("favicon.svg", "image/svg+xml", favicon),
    ASSET("openapi.json", "application/json", openapi),
};

size_t htmengine_asset_count(void) { return sizeof assets / sizeof assets[0]; }

htmengine_asset htmengine_asset_at(size_t index) { return assets[index]; }
