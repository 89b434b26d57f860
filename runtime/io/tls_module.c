#include "io/tls.h"

#include "io/tls_client.h"
#include "io/tls_layer.h"
#include "io/tls_server.h"
#include "io/tls_tickets.h"

static void start(void)
{
    tls_layer_start();
    tls_tickets_start();
}

const struct tls_module tls_module = {
    .start = start,
    .server_open = tls_server_open,
    .server_load = tls_server_load,
    .server_close = tls_server_close,
    .accept = tls_server_accept,
    .client_open = tls_client_open,
    .client_load = tls_client_load,
    .client_close = tls_client_close,
    .connect = tls_client_connect,
    .sessions_close = tls_client_sessions_close,
    .handshake = tls_layer_handshake,
    .stats = tls_layer_stats,
    .tickets_export = tls_tickets_export,
    .tickets_import = tls_tickets_import,
};
