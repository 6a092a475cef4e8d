#include <microhttpd.h>
#include <sys/socket.h>

// Swift doesn't import variadic functions: these are the calls we make of them.

static inline struct MHD_Daemon *htm_http_start(
    unsigned int flags, MHD_AccessHandlerCallback handler, MHD_RequestCompletedCallback completed,
    size_t (*unescape)(void *, struct MHD_Connection *, char *), void *context, struct MHD_OptionItem *options) {
    return MHD_start_daemon(
        flags, 0, NULL, NULL, handler, context, MHD_OPTION_NOTIFY_COMPLETED, completed, context,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/// The address of the client, or NULL.
static inline const struct sockaddr *htm_http_client_address(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}
