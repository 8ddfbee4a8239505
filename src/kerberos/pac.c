/* SPDX-License-Identifier: Apache-2.0 */
/* The identity check between S4U2Self and S4U2Proxy: the SID inside a PAC. */
#include "pac.h"

#define OFFSET_FLAGS 8
#define OFFSET_SID 16
#define HEADER_PLAIN 12
#define HEADER_EXTENDED 20
#define FLAG_EXTENDED 0x2u

static size_t read_u16(struct eca_slice buffer, size_t at)
{
    return (size_t)buffer.bytes[at] | (size_t)buffer.bytes[at + 1] << 8;
}

/*
 * UPN_DNS_INFO = UpnLength UpnOffset DnsDomainNameLength DnsDomainNameOffset   4 × u16
 *                Flags                                                         u32
 *                [ SamNameLength SamNameOffset SidLength SidOffset ]           4 × u16, when Flags has S
 *                contents                              MS-PAC 2.10; little-endian, offsets from the start
 */
bool eca_pac_read_upn_dns_info(char *out, struct eca_slice buffer, struct eca_error *err)
{
    size_t length = 0;
    size_t offset = 0;

    if (buffer.length < HEADER_PLAIN)
        return eca_error_set(err, "the PAC's UPN_DNS_INFO has %zu bytes, its header alone has %d", buffer.length,
                             HEADER_PLAIN);
    if ((read_u16(buffer, OFFSET_FLAGS) & FLAG_EXTENDED) == 0)
        return eca_error_set(err, "the PAC's UPN_DNS_INFO has no SID: the domain controller lacks the updates of "
                                  "November 2021 (KB5008380)");
    if (buffer.length < HEADER_EXTENDED)
        return eca_error_set(err, "the PAC's UPN_DNS_INFO has %zu bytes, its extended header alone has %d",
                             buffer.length, HEADER_EXTENDED);
    length = read_u16(buffer, OFFSET_SID);
    offset = read_u16(buffer, OFFSET_SID + 2);
    if (offset < HEADER_EXTENDED || offset > buffer.length || length > buffer.length - offset)
        return eca_error_set(err, "the PAC's UPN_DNS_INFO places the SID outside of it (offset %zu, length %zu of %zu)",
                             offset, length, buffer.length);
    if (!eca_sid_to_text(out, (struct eca_slice){ buffer.bytes + offset, length }))
        return eca_error_set(err, "the PAC's UPN_DNS_INFO holds %zu bytes that are no SID", length);
    return true;
}
