/* register.c - registers what this room shows: fields, subtrees, the expert items of decoding, of the rules and of events.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/expert.h>

#include "fields.h"
#include "show.h"

void show_register(int mqtt, int scope)
{
    show_register_fields(mqtt, scope);
    expert_module_t *module = expert_register_protocol(scope);
    show_register_experts(module);
    show_register_rules(module);
    show_register_events(module);
}
