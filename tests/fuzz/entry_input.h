/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short form of an input of fuzz_ldap_entry, for the target and for who writes its corpus:
 *
 *   input = *( attribute length value )   attribute: one byte, a row of the table modulo its rows; length: one byte
 */
#ifndef ENTRY_INPUT_H
#define ENTRY_INPUT_H

#define ENTRY_INPUT_END "(end of the entry)"
#define ENTRY_INPUT_DN "(its DN)"
#define ENTRY_INPUT_EXTRA "telephoneNumber" /* the attribute of EASRemoteUser */

static const char *const entry_input_names[] = {
    ENTRY_INPUT_END,
    ENTRY_INPUT_DN,
    "objectSid",
    "sAMAccountName",
    "userPrincipalName",
    "mail",
    "altSecurityIdentities",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "whenCreated",
    "userCertificate",
    "ALTSECURITYIDENTITIES",
    "altSecurityIdentities;range=0-1499",
    "userCertificate;Range=0-1499",
    ENTRY_INPUT_EXTRA,
    "servicePrincipalName",
    "msDS-AllowedToDelegateTo",
    "pwdLastSet",
    "msDS-SupportedEncryptionTypes",
};
#define ENTRY_INPUT_NAMES (sizeof entry_input_names / sizeof entry_input_names[0])

#endif
