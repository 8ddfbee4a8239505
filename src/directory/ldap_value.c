/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute syntaxes: INTEGER and GeneralizedTime. */
#include "ldap_entry.h"

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Away from zero on the negative side, where there is one more number. */
static bool append_digit(int64_t *number, int digit)
{
    return !__builtin_mul_overflow(*number, (int64_t)10, number)
           && !__builtin_sub_overflow(*number, (int64_t)digit, number);
}

/* integer = "0" / ["-"] nonzero *digit */
bool eca_ldap_parse_integer(int64_t *out, struct eca_slice text)
{
    const bool negative = text.length > 0 && text.bytes[0] == '-';
    const size_t first = negative ? 1 : 0;
    int64_t number = 0;

    if (text.length == first || (text.bytes[first] == '0' && text.length > 1))
        return false;
    for (size_t i = first; i < text.length; i++) {
        if (!is_digit(text.bytes[i]) || !append_digit(&number, text.bytes[i] - '0'))
            return false;
    }
    if (!negative && number == INT64_MIN)
        return false;
    *out = negative ? number : -number;
    return true;
}

static int two_digits(const uint8_t *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first day of a month. */
static int64_t days_before(int year, int month)
{
    const int64_t years = year - 1;
    int64_t days = years * 365 + years / 4 - years / 100 + years / 400 - 719162;

    for (int i = 1; i < month; i++)
        days += days_of_month(year, i);
    return days;
}

/* The part after the seconds: ["." 1*digit] "Z" */
static bool is_end(const uint8_t *at, size_t length)
{
    size_t i = 0;

    if (length > 2 && at[0] == '.') {
        for (i = 1; i < length && is_digit(at[i]); i++)
            continue;
        if (i == 1)
            return false;
    }
    return length == i + 1 && at[i] == 'Z';
}

bool eca_ldap_parse_time(int64_t *out, struct eca_slice text)
{
    const uint8_t *at = text.bytes;
    int year, month, day, hour, minute, second;

    if (text.length < 15 || !is_end(at + 14, text.length - 14))
        return false;
    for (size_t i = 0; i < 14; i++) {
        if (!is_digit(at[i]))
            return false;
    }
    year = two_digits(at) * 100 + two_digits(at + 2);
    month = two_digits(at + 4);
    day = two_digits(at + 6);
    hour = two_digits(at + 8);
    minute = two_digits(at + 10);
    second = two_digits(at + 12);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) || hour > 23 || minute > 59
        || second > 59)
        return false;
    *out = ((days_before(year, month) + day - 1) * 24 + hour) * 3600 + (int64_t)minute * 60 + second;
    return true;
}
