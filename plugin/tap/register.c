/* register.c - registers the statistics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Statistics are registered along with the protocol: tshark and the menus collect them when all protocols are there.
 */
#include "tap.h"

void tap_register(int proto)
{
    tap_register_sessions();
    tap_register_clients_table();
    tap_register_rules_table();
    tap_register_deliveries();
    tap_register_messages();
    tap_register_events_table();
    tap_register_packets_tree();
    tap_register_topics_tree();
    tap_register_clients_tree();
    tap_register_srt(proto);
    tap_register_json();
    tap_register_conversations(proto);
}
