/* findings.c - what a finding says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "predicates.h"
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

const char *check_finding_side(const struct check_finding *finding)
{
    const struct track_facts *facts = finding->subject.facts;
    enum check_side side = check_rule_info(finding->rule)->side;

    if (side == CHECK_SIDE_CLIENT || (side == CHECK_SIDE_SENDER && is_from_client(facts)))
        return "client";
    if (side == CHECK_SIDE_BROKER || (side == CHECK_SIDE_SENDER && is_from_server(facts)))
        return "broker";
    return "unknown";
}

void check_finding_doubt(const struct check_finding *finding, char buffer[CHECK_DOUBT_SIZE])
{
    static const char *const words[TRACK_DOUBTS] = {
#define DOUBT(symbol, steps, words) words,
#include "../model/facts/doubts.def"
#undef DOUBT
    };
    size_t length = 0;

    buffer[0] = '\0';
    for (unsigned doubt = TRACK_DOUBT_NONE + 1; doubt < TRACK_DOUBTS && length < CHECK_DOUBT_SIZE; doubt++)
        if (finding->doubts & 1u << doubt)
            length += (size_t)snprintf(buffer + length, CHECK_DOUBT_SIZE - length, "%s%s", length > 0 ? ", " : "",
                                       words[doubt]);
}

void check_message(const struct check_finding *finding, char *buffer, size_t size)
{
    struct check_ids ids;
    char detail[CHECK_MESSAGE_SIZE / 2];
    size_t length;

    check_rule_functions[finding->rule].write_detail(&finding->subject, detail, sizeof detail);
    check_finding_ids(finding, &ids);
    snprintf(buffer, size, "%s%s%s", check_rule_info(finding->rule)->title, detail[0] != '\0' ? ": " : "", detail);
    length = strlen(buffer);
    if (finding->further > 0)
        snprintf(buffer + length, size - length, ", and %u more in this packet", (unsigned)finding->further);
    for (unsigned i = 0; i < ids.count; i++) {
        length = strlen(buffer);
        snprintf(buffer + length, size - length, "%s%s%s", i == 0 ? " [" : ", ", ids.list[i],
                 i + 1 == ids.count ? "]" : "");
    }
}
