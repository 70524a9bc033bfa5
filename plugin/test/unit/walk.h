/* walk.h - looks at everything that a decoded packet points to, and says what of it cannot be.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shared by the unit tests and the fuzzer: what holds for each packet, whatever its bytes.
 */
#ifndef MQTTSCOPE_TEST_UNIT_WALK_H
#define MQTTSCOPE_TEST_UNIT_WALK_H

#include "../../wire/packet.h"

/** Reads each byte that the packet's spans cover (a sanitizer sees those outside of the buffer) and walks each list.
 *  Returns NULL, or what is wrong, as a string literal: a span outside of the packet, a list that disagrees with what
 *  decoding saw, a list without end, a fault that contradicts the buffer. */
const char *walk_packet(const struct mqtt_packet *packet);

#endif
