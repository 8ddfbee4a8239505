/* SPDX-License-Identifier: Apache-2.0 */
/* Thread-specific krb5_contexts. */
#include "thread_context.h"

#include "hot.h"

#include <pthread.h>

static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static bool context_key_made;

static _Thread_local krb5_context own; /* the key's, found faster */

static void free_context(void *context)
{
    own = NULL;
    krb5_free_context(context);
}

static void make_context_key(void)
{
    context_key_made = pthread_key_create(&context_key, free_context) == 0;
}

/* When the module is unloaded: a thread that ends later must not call free_context(), which is gone by then. */
__attribute__((destructor)) static void delete_context_key(void)
{
    if (context_key_made)
        (void)pthread_key_delete(context_key);
}

static krb5_context open_context(struct eca_error *err)
{
    krb5_context context = NULL;
    krb5_error_code code = 0;

    pthread_once(&context_once, make_context_key);
    if (!context_key_made) {
        eca_error_set(err, "no thread-specific memory for a krb5_context");
        return NULL;
    }
    code = krb5_init_context(&context);
    if (code != 0) {
        eca_error_set(err, "krb5.conf cannot be read (%s)", krb5_get_error_message(NULL, code));
        return NULL;
    }
    if (pthread_setspecific(context_key, context) != 0) {
        krb5_free_context(context);
        eca_error_set(err, "no memory for a krb5_context");
        return NULL;
    }
    return context;
}

ECA_HOT krb5_context eca_thread_context(struct eca_error *err)
{
    if (own == NULL)
        own = open_context(err);
    return own;
}
