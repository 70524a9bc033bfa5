/* findings.c - what a finding says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "rule-functions.h"

void check_finding_ids(const struct check_finding *finding, struct check_ids *ids)
{
    const struct check_rule_functions *functions = &check_rule_functions[finding->rule];

    ids->count = 0;
    if (finding->column != CHECK_COLUMNS) {
        functions->add_ids(finding, finding->column, ids);
        return;
    }
    for (unsigned each = 0; each < CHECK_COLUMNS; each++)
        functions->add_ids(finding, (enum check_column)each, ids);
}

void check_message(const struct check_finding *finding, char *buffer, size_t size)
{
    struct check_ids ids;
    char detail[CHECK_MESSAGE_SIZE / 2];
    size_t length;

    check_rule_functions[finding->rule].write_detail(&finding->subject, detail, sizeof detail);
    check_finding_ids(finding, &ids);
    snprintf(buffer, size, "%s%s%s", check_rule_info(finding->rule)->title, detail[0] != '\0' ? ": " : "", detail);
    for (unsigned i = 0; i < ids.count; i++) {
        length = strlen(buffer);
        snprintf(buffer + length, size - length, "%s%s%s", i == 0 ? " [" : ", ", ids.list[i],
                 i + 1 == ids.count ? "]" : "");
    }
}
