/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of a directory: where accounts are found and passwords verified. */
#ifndef ECA_DIRECTORY_H
#define ECA_DIRECTORY_H

#include "login_name.h"
#include "mapping.h"
#include "principal.h"

#include <apr_time.h>

#define ECA_DIRECTORY_GROUPS_MAX 32 /* of one question */

enum eca_directory_answer {
    ECA_DIRECTORY_ANSWERED,
    ECA_DIRECTORY_UNAVAILABLE, /* no answer from any server before the deadline */
    ECA_DIRECTORY_FAILED,      /* it answered, but not so that it can be used: refused bind, wrong base, bad schema */
};

enum eca_password_answer {
    ECA_PASSWORD_ANSWER_ACCEPTED,
    ECA_PASSWORD_ANSWER_REJECTED, /* wrong, or the account may not log on; `err` holds the server's word for the log */
};

/* Values of an attribute, each with a NUL behind it; freed with eca_directory_values_free(). */
struct eca_directory_values {
    struct eca_directory_value {
        uint8_t *bytes;
        size_t length;
    } * items;
    size_t count;
};

/* Harmless for a zeroed struct. */
void eca_directory_values_free(struct eca_directory_values *values);

/*
 * Every function blocks, at most until `deadline` (absolute, apr_time_now() based), except where a
 * library does not keep it (SASL GSSAPI while a KDC is silent): therefore called on helper
 * threads, never on a worker. Any number of threads at a time. `err` receives the sentence
 * for the log whenever the answer is not ANSWERED. Output structs belong to the caller and
 * are complete or untouched.
 */
struct eca_directory {
    const struct eca_directory_operations *operations;
    bool is_local; /* it answers from memory: what it says need not be kept */
};

struct eca_directory_operations {
    /* Every account that any of the keys may belong to, each with the keys that compared equal again. */
    enum eca_directory_answer (*find_by_keys)(struct eca_directory *directory, const struct eca_mapping_keys *keys,
                                              apr_time_t deadline, struct eca_candidates *out, struct eca_error *err);

    /* The one account a login name means; *found is false for none and for more than one. */
    enum eca_directory_answer (*find_by_login)(struct eca_directory *directory, const struct eca_login_name *login,
                                               apr_time_t deadline, struct eca_account *out, bool *found,
                                               struct eca_error *err);

    /*
     * Verifies a password for an account found before. `account` NULL: nobody; the same work is done so
     * that a client cannot tell an unknown name from a wrong password, and the answer is REJECTED.
     * An empty password is REJECTED without asking. The password is only read.
     */
    enum eca_directory_answer (*verify_password)(struct eca_directory *directory, const struct eca_account *account,
                                                 const char *password, apr_time_t deadline,
                                                 enum eca_password_answer *out, struct eca_error *err);

    /*
     * Whether an account found before is in any of the groups: names, DNs or SIDs as an administrator writes them.
     * Groups inside groups count, and the primary group. A group that does not exist has no members, and `err` says so,
     * although the answer is ANSWERED. At most ECA_DIRECTORY_GROUPS_MAX.
     */
    enum eca_directory_answer (*is_member)(struct eca_directory *directory, const struct eca_account *account,
                                           const char *const *groups, size_t group_count, apr_time_t deadline,
                                           bool *member, struct eca_error *err);

    /*
     * The values of an attribute of the entry `dn`, which holds no account; one that ends with a comma is below the
     * forest's configuration partition. An entry that is not there has none. NULL where there are only accounts.
     */
    enum eca_directory_answer (*read_values)(struct eca_directory *directory, const char *dn, const char *attribute,
                                             apr_time_t deadline, struct eca_directory_values *out,
                                             struct eca_error *err);

    /*
     * An account that takes part in a delegation, and what its entry says of that; is_protected is left false. NULL
     * where nothing is known of such things.
     */
    enum eca_directory_answer (*find_principal)(struct eca_directory *directory,
                                                const struct eca_principal_query *query, apr_time_t deadline,
                                                struct eca_principal *out, struct eca_error *err);

    /*
     * Whether something it keeps from elsewhere (what DNS says) has grown old, and asking for it again; meanwhile what
     * is there serves. is_due never blocks. Both NULL where there is nothing of that kind.
     */
    bool (*is_due)(struct eca_directory *directory);
    void (*maintain)(struct eca_directory *directory, apr_time_t deadline);

    /* Releases everything; no other call may be under way or follow. */
    void (*close)(struct eca_directory *directory);
};

#endif
