/* topic-aliases.h - follows the Topic Aliases of each direction (MQTT 5.0 section 3.3.2.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_TOPIC_ALIASES_H
#define MQTTSCOPE_MODEL_PROTOCOL_TOPIC_ALIASES_H

#include "../store/context.h"
#include "../store/id-table.h"

/** What a Topic Alias stands for. */
struct track_alias {
    struct track_id_entry by_number;
    uint32_t room;                  /**< bytes that `latest` has room for */
    struct track_text *latest;      /**< the topic; overwritten when the alias is set again */
    const struct track_text *topic; /**< the same, interned; NULL until the alias is used */
    uint32_t set_in;
    uint32_t life; /**< in which of the direction's lives it was set */
};

/** The Topic Aliases of one end of a connection, made when the first one is set. File scope. */
struct track_topic_aliases {
    struct track_id_table by_number; /**< struct track_alias */
    struct track_alias *last;        /**< the one used last, and mostly next; NULL until one is set */
    uint32_t life;                   /**< aliases of earlier lives are not set any more: a CONNECT begins a new one */
    bool is_incomplete;              /**< there was no memory for some */
};

/** Follows the Topic Aliases that the sender sets and uses. */
void track_update_aliases(struct track_context *tracking);

#endif
