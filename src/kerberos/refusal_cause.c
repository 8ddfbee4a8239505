/* SPDX-License-Identifier: Apache-2.0 */
/* Two tables: which refusals have several causes, and what each cause looks like in the directory. */
#include "refusal_cause.h"

#include "strbuf.h"

#include <stddef.h>
#include <string.h>

/* MS-ADTS 2.2.16 userAccountControl bits */
#define UF_TRUSTED_TO_AUTH_FOR_DELEGATION 0x01000000u
#define UF_PASSWORD_EXPIRED 0x00800000u /* only in the computed attribute */

#define AES_KEYS 0x18u /* AES128 and AES256 in msDS-SupportedEncryptionTypes (MS-KILE 2.2.7) */

/* What a refusal can be about. */
enum subject {
    LIST = 1,       /* the SPN, although the user's ticket was forwardable */
    FORWARDING = 2, /* that, or why the ticket was not forwardable (MS-SFU 3.2.5.1.2) */
    STATE = 4,      /* the user may not log on */
    PASSWORD = 8,   /* the user's */
    TRANSITION = 16,
    SPN = 32,
    KEYS = 64, /* the backend's */
};

#define SELF (1u << ECA_KRB5_STEP_S4U2SELF)
#define PROXY_FORWARDABLE (1u << ECA_KRB5_STEP_S4U2PROXY)
#define PROXY_NOT_FORWARDABLE (1u << ECA_KRB5_STEP_S4U2PROXY_NOT_FORWARDABLE)
#define PROXY (PROXY_FORWARDABLE | PROXY_NOT_FORWARDABLE)

static const struct {
    krb5_error_code code;
    unsigned steps;
    unsigned subjects;
} refusals[] = {
    { KRB5KDC_ERR_BADOPTION, PROXY_FORWARDABLE, LIST },
    { KRB5KDC_ERR_BADOPTION, PROXY_NOT_FORWARDABLE, FORWARDING },
    { KRB5_TKT_NOT_FORWARDABLE, PROXY, FORWARDING },
    { KRB5KDC_ERR_POLICY, PROXY_FORWARDABLE, LIST | STATE },
    { KRB5KDC_ERR_POLICY, PROXY_NOT_FORWARDABLE, FORWARDING | STATE },
    { KRB5KDC_ERR_POLICY, SELF, STATE }, /* Samba, of a disabled account */
    { KRB5KDC_ERR_CLIENT_REVOKED, SELF | PROXY, STATE },
    { KRB5KDC_ERR_NAME_EXP, SELF | PROXY, STATE },
    { KRB5KDC_ERR_KEY_EXP, SELF | PROXY, PASSWORD },
    { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, SELF, TRANSITION },
    { KRB5KDC_ERR_PADATA_TYPE_NOSUPP, SELF, TRANSITION },
    { KRB5KDC_ERR_BADOPTION, SELF, TRANSITION },
    { KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN, PROXY, SPN },
    { KRB5KDC_ERR_ETYPE_NOSUPP, PROXY, KEYS },
};

static unsigned subjects_of(const struct eca_krb5_refusal *refusal)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (refusals[i].code == refusal->code && (refusals[i].steps & 1u << refusal->step) != 0)
            return refusals[i].subjects;
    }
    return 0;
}

bool eca_refusal_cause_is_hidden(const struct eca_krb5_refusal *refusal)
{
    return subjects_of(refusal) != 0;
}

/* ---- what a cause looks like ----------------------------------------------------------------- */

static bool is_found(const struct eca_principal *principal)
{
    return principal->state == ECA_PRINCIPAL_FOUND;
}

static enum eca_account_state state_of(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->user) ? eca_account_judge_state(&facts->user.account, facts->now)
                                  : ECA_ACCOUNT_STATE_ACTIVE;
}

static bool user_disabled(const struct eca_refusal_facts *facts)
{
    return state_of(facts) == ECA_ACCOUNT_STATE_DISABLED;
}

static bool user_expired(const struct eca_refusal_facts *facts)
{
    return state_of(facts) == ECA_ACCOUNT_STATE_EXPIRED;
}

static bool user_locked(const struct eca_refusal_facts *facts)
{
    return state_of(facts) == ECA_ACCOUNT_STATE_LOCKED;
}

static bool user_must_change(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->user) && facts->user.must_change_password;
}

static bool user_password_expired(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->user) && !facts->user.must_change_password
           && (facts->user.account.user_account_control_computed & UF_PASSWORD_EXPIRED) != 0;
}

static bool user_sensitive(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->user) && eca_account_is_sensitive(&facts->user.account);
}

static bool user_protected(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->user) && facts->user.is_protected;
}

static bool delegate_sensitive(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->delegate) && eca_account_is_sensitive(&facts->delegate.account);
}

static bool delegate_protected(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->delegate) && facts->delegate.is_protected;
}

static bool delegate_without_spn(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->delegate) && !facts->delegate.has_spn;
}

static bool no_transition(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->delegate)
           && (facts->delegate.account.user_account_control & UF_TRUSTED_TO_AUTH_FOR_DELEGATION) == 0;
}

static bool list_empty(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->delegate) && !facts->delegate.delegates_to_any;
}

static bool not_listed(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->delegate) && facts->delegate.delegates_to_any && !facts->delegate.delegates_to_target;
}

/* The service account is not among them, or this KDC does not look there: neither is known here. */
static bool resource_names_others(const struct eca_refusal_facts *facts)
{
    return (list_empty(facts) || not_listed(facts)) && is_found(&facts->backend) && facts->backend.names_delegates;
}

static bool spn_twice(const struct eca_refusal_facts *facts)
{
    return facts->backend.state == ECA_PRINCIPAL_AMBIGUOUS;
}

static bool backend_without_aes(const struct eca_refusal_facts *facts)
{
    return is_found(&facts->backend) && facts->backend.encryption_types != 0
           && (facts->backend.encryption_types & AES_KEYS) == 0;
}

/* ---- which cause, and what to change ----------------------------------------------------------- */

enum object { USER, DELEGATE, BACKEND, TARGET };

/* In order: the first that holds gives the reason, others with the same reason are told with it. */
static const struct {
    unsigned subjects;
    bool (*holds)(const struct eca_refusal_facts *facts);
    enum eca_reason reason;
    enum object object;
    const char *text; /* follows the object's name; one that ends with a space is followed by the SPN */
} causes[] = {
    { STATE, user_disabled, ECA_REASON_ACCOUNT_DISABLED, USER, "is disabled: enable it, or nothing" },
    { STATE, user_expired, ECA_REASON_ACCOUNT_EXPIRED, USER, "has expired: extend accountExpires, or nothing" },
    { STATE, user_locked, ECA_REASON_ACCOUNT_LOCKED, USER, "is locked: unlock it, and find out who tries passwords" },
    { PASSWORD, user_must_change, ECA_REASON_ACCOUNT_EXPIRED, USER,
      "must change the password at the next logon (pwdLastSet is 0): let its owner do so, or unset it" },
    { PASSWORD, user_password_expired, ECA_REASON_ACCOUNT_EXPIRED, USER,
      "has a password that has expired: let its owner change it" },
    { FORWARDING, user_sensitive, ECA_REASON_DELEGATION_NOT_ALLOWED, USER,
      "is \"sensitive and cannot be delegated\" (NOT_DELEGATED in userAccountControl): unset it, or nothing" },
    { FORWARDING, user_protected, ECA_REASON_DELEGATION_NOT_ALLOWED, USER,
      "is in the group Protected Users, whom AD does not delegate: remove it from the group, or nothing" },
    { TRANSITION, delegate_without_spn, ECA_REASON_DELEGATION_MISCONFIGURED, DELEGATE,
      "has no servicePrincipalName, without which there is no S4U2Self: register one (setspn -S)" },
    { FORWARDING, delegate_sensitive, ECA_REASON_DELEGATION_MISCONFIGURED, DELEGATE,
      "is itself \"sensitive and cannot be delegated\" (NOT_DELEGATED in userAccountControl): unset it" },
    { FORWARDING, delegate_protected, ECA_REASON_DELEGATION_MISCONFIGURED, DELEGATE,
      "is itself in the group Protected Users: remove it from the group" },
    { LIST | FORWARDING, no_transition, ECA_REASON_DELEGATION_MISCONFIGURED, DELEGATE,
      "may not do protocol transition: set \"use any authentication protocol\" (TRUSTED_TO_AUTH_FOR_DELEGATION in "
      "userAccountControl)" },
    { LIST | FORWARDING, list_empty, ECA_REASON_DELEGATION_MISCONFIGURED, DELEGATE,
      "has an empty msDS-AllowedToDelegateTo: add " },
    { LIST | FORWARDING, not_listed, ECA_REASON_DELEGATION_MISCONFIGURED, DELEGATE,
      "has other SPNs in msDS-AllowedToDelegateTo: add " },
    { LIST | FORWARDING, resource_names_others, ECA_REASON_DELEGATION_MISCONFIGURED, BACKEND,
      "has msDS-AllowedToActOnBehalfOfOtherIdentity: the service account could stand there instead, if this KDC knows "
      "resource-based delegation" },
    { SPN, spn_twice, ECA_REASON_DELEGATION_MISCONFIGURED, TARGET,
      "belongs to more than one account (setspn -Q shows them): remove it from all but the backend's (setspn -D)" },
    { KEYS, backend_without_aes, ECA_REASON_DELEGATION_MISCONFIGURED, BACKEND,
      "has no AES in msDS-SupportedEncryptionTypes: set it to 24 and give the account a new password" },
};

static const char *name_of(enum object object, const struct eca_refusal_facts *facts)
{
    switch (object) {
    case USER:
        return facts->user.account.sam_account_name;
    case DELEGATE:
        return facts->delegate.account.sam_account_name;
    case BACKEND:
        return facts->backend.account.sam_account_name;
    case TARGET:
        break;
    }
    return facts->spn;
}

static void tell(struct eca_strbuf *out, size_t cause, const struct eca_refusal_facts *facts)
{
    const char *const text = causes[cause].text;

    eca_strbuf_text(out, out->length > 0 ? "; " : "");
    eca_strbuf_text(out, name_of(causes[cause].object, facts));
    eca_strbuf_text(out, " ");
    eca_strbuf_text(out, text);
    if (text[strlen(text) - 1] == ' ')
        eca_strbuf_text(out, facts->spn);
}

static void write_error(const struct eca_krb5_refusal *refusal, const char *sentence, struct eca_error *err)
{
    const char *const said = krb5_get_error_message(NULL, refusal->code);

    eca_error_set(err, "%s: %s (%s)", refusal->step == ECA_KRB5_STEP_S4U2SELF ? "S4U2Self" : "S4U2Proxy", sentence,
                  said);
    krb5_free_error_message(NULL, said);
}

bool eca_refusal_cause_find(const struct eca_krb5_refusal *refusal, const struct eca_refusal_facts *facts,
                            enum eca_reason *reason, struct eca_error *err)
{
    const unsigned subjects = subjects_of(refusal);
    enum eca_reason found = ECA_REASON_GRANTED;
    char memory[ECA_ERROR_MAX];
    struct eca_strbuf sentence;

    eca_strbuf_init(&sentence, memory, sizeof memory);
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if ((causes[i].subjects & subjects) == 0 || !causes[i].holds(facts)
            || (found != ECA_REASON_GRANTED && causes[i].reason != found))
            continue;
        found = causes[i].reason;
        tell(&sentence, i, facts);
    }
    if (found == ECA_REASON_GRANTED)
        return false;
    *reason = found;
    write_error(refusal, memory, err);
    return true;
}
