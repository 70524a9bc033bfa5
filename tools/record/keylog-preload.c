/* keylog-preload.c - makes any OpenSSL program write its TLS session secrets to the file named by SSLKEYLOGFILE.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * For programs that have no key log of their own, such as mosquitto_pub and mosquitto_sub:
 *
 *     cc -shared -fPIC -O2 -o keylog-preload.so keylog-preload.c
 *     SSLKEYLOGFILE=keys.log LD_PRELOAD=./keylog-preload.so mosquitto_sub ...
 *
 * It stands in front of SSL_new(), which every TLS connection goes through, and gives the SSL_CTX a key log
 * callback first if it has none. OpenSSL's own functions are looked up at run time, so that neither its headers nor
 * its libraries are needed to build this. OpenSSL 1.1.1 or later.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef void (*keylog_callback)(const SSL *ssl, const char *line);

SSL *SSL_new(SSL_CTX *ctx);

/* Called by OpenSSL with each line of the key log, without its line end. A line goes out in one append, so that
 * several processes may share the file. */
static void write_line(const SSL *ssl, const char *line)
{
    (void)ssl;
    const char *path = getenv("SSLKEYLOGFILE");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL)
        return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

SSL *SSL_new(SSL_CTX *ctx)
{
    SSL *(*real_new)(SSL_CTX *);
    keylog_callback (*get_callback)(const SSL_CTX *);
    void (*set_callback)(SSL_CTX *, keylog_callback);

    /* ISO C has no conversion from object to function pointers; POSIX asks for this form. */
    *(void **)&real_new = dlsym(RTLD_NEXT, "SSL_new");
    *(void **)&get_callback = dlsym(RTLD_NEXT, "SSL_CTX_get_keylog_callback");
    *(void **)&set_callback = dlsym(RTLD_NEXT, "SSL_CTX_set_keylog_callback");

    if (ctx != NULL && get_callback != NULL && set_callback != NULL && get_callback(ctx) == NULL)
        set_callback(ctx, write_line);
    return real_new != NULL ? real_new(ctx) : NULL;
}
