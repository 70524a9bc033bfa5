/* register.c - registers the statistics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Statistics are registered along with the protocol: tshark and the menus collect them when all protocols are there.
 */
#include "tap.h"

void tap_register(int proto)
{
#define STATISTIC(name) tap_register_##name(proto);
#include "statistics.def"
#undef STATISTIC
}
