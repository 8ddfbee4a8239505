/* SPDX-License-Identifier: Apache-2.0 */
/* Names of accounts and services, made for the KDC. */
#include "full_name.h"

#include <string.h>

bool eca_full_name_check_account(const struct eca_account *account, struct eca_error *err)
{
    if (account->sam_account_name[0] == '\0' || account->domain[0] == '\0')
        return eca_error_set(err, "the directory gives no %s for %s: delegation needs it",
                             account->domain[0] == '\0' ? "domain" : "sAMAccountName", account->dn);
    if (account->sid[0] == '\0')
        return eca_error_set(err, "the directory gives no objectSid for %s: delegation needs it", account->dn);
    return true;
}

/* The realm of an AD domain is its DNS name in capitals. */
static void write_realm(char *out, const char *domain)
{
    size_t i = 0;

    for (; domain[i] != '\0'; i++)
        out[i] = domain[i] >= 'a' && domain[i] <= 'z' ? (char)(domain[i] - 'a' + 'A') : domain[i];
    out[i] = '\0';
}

krb5_error_code eca_full_name_of_account(krb5_context context, const struct eca_account *account, char **out)
{
    char realm[ECA_ACCOUNT_DOMAIN_MAX];
    krb5_principal user = NULL;
    krb5_error_code code = 0;

    write_realm(realm, account->domain);
    code = krb5_build_principal(context, &user, (unsigned)strlen(realm), realm, account->sam_account_name,
                                (char *)NULL);
    if (code == 0)
        code = krb5_unparse_name(context, user, out);
    krb5_free_principal(context, user);
    return code;
}

bool eca_full_name_of_service(krb5_context context, const char *spn, krb5_const_principal self, krb5_principal *out,
                              char **text, struct eca_error *err)
{
    krb5_error_code code = krb5_parse_name_flags(context, spn, KRB5_PRINCIPAL_PARSE_NO_DEF_REALM, out);

    if (code == 0 && (*out)->realm.length == 0)
        code = krb5_set_principal_realm(context, *out, self->realm.data);
    if (code == 0)
        code = krb5_unparse_name(context, *out, text);
    return (code == 0 && (*out)->length >= 2)
           || eca_error_set(err, "%s is not a service principal name; EASDelegationSPN is written HTTP/host.domain",
                            spn);
}
