/* show.h - turns decoded packets into what people see: tree, Info column, expert items.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing here reads bytes for their meaning or keeps state. All of it may be called with a NULL tree and does nothing
 * then that is not referenced.
 */
#ifndef MQTTSCOPE_SHOW_SHOW_H
#define MQTTSCOPE_SHOW_SHOW_H

#include <epan/packet.h>

#include "../check/check.h"
#include "../check/events.h"
#include "../model/tracker.h"
#include "../wire/packet.h"
#include "fields.h"

/** What is needed to show one packet. Lives on the caller's stack. */
struct show_context {
    tvbuff_t *tvb; /**< the control packet, from its first byte */
    packet_info *pinfo;
    const struct mqtt_packet *packet;
    const struct track_facts *facts;
    const struct check_findings *findings;  /**< the rules that it breaks */
    const struct check_events *events;      /**< what happened at it */
    bool names_ends;                        /**< the user wants the names of the ends in the Info column */
    const struct check_findings *undecided; /**< what it may break beside; NULL where nobody wants to know */
};

/** An expert item to raise, and the packet's bytes that it is about. */
struct show_fault {
    enum show_expert expert;
    struct mqtt_span at;
};

enum { SHOW_FAULTS_MAX = 8 };

/** The expert items of one packet. */
struct show_faults {
    unsigned count;
    struct show_fault list[SHOW_FAULTS_MAX];
};

/** Finds what decoding has to report about a packet besides broken rules; the same on each visit, with a tree or without. */
void show_find_faults(const struct show_context *context, struct show_faults *faults);

/** Raises what show_find_faults() found. Works without a tree, for the expert statistics. */
void show_faults(const struct show_context *context, proto_tree *tree, const struct show_faults *faults);

/** Registers all that is shown. Called once at start-up, after the built-in dissectors; `mqtt` and `scope` are the ids of
 *  the built-in's protocol and of our own. */
void show_register(int mqtt, int scope);

/** Registers an expert item for each rule; part of show_register(). */
void show_register_rules(expert_module_t *module);

/** Raises the packet's findings. Works without a tree, for the expert statistics. */
void show_findings(const struct show_context *context, proto_tree *tree);

/** Adds the statement ids of the packet's findings. */
void show_statements(const struct show_context *context, proto_tree *tree);

/** Adds what could not be decided, in a subtree of its own. */
void show_undecided(const struct show_context *context, proto_tree *tree);

/** Registers an expert item for each kind of event; part of show_register(). */
void show_register_events(expert_module_t *module);

/** Raises the packet's events. Works without a tree, for the expert statistics. */
void show_events(const struct show_context *context, proto_tree *tree);

/** Adds the names of the packet's events, and how the connection ended at it. */
void show_event_fields(const struct show_context *context, proto_tree *tree);

/** What a finding says: printable, in `pool`. */
const char *show_finding_text(wmem_allocator_t *pool, const struct check_finding *finding);

/** True where the tree is visible, or one of our fields is referenced: without that nothing needs to be added to it but the
 *  packet's own item. */
bool show_is_wanted(proto_tree *tree);

/** True while the frame's tree may grow. Wireshark takes more items than the user's gui.max_tree_items for an endless loop
 *  and gives the frame up; before that our lists end. Without a tree there is always room. */
bool show_has_room(const proto_tree *tree);

/** The same for so many more items. */
bool show_has_room_for(const proto_tree *tree, uint64_t items);

/** Says under `tree` that what follows is not shown, since there is no room. */
void show_no_room(const struct show_context *context, proto_tree *tree);

/** Adds the packet's item to `parent`; under it what is wrong with the packet, and what is wanted of its tree, which is returned for
 *  what follows (payload). Without a parent the expert items are raised all the same. */
proto_tree *show_tree(const struct show_context *context, proto_tree *parent, const struct show_faults *faults);

/** Adds a property block: its length, and each property with its fields; `in_will`: they are the Will Properties. */
void show_properties(const struct show_context *context, proto_tree *tree, const struct mqtt_properties *properties,
                     bool in_will);

/** Adds the generated subtree with what is inferred, and links to other packets. */
void show_scope(const struct show_context *context, proto_tree *tree);

enum { SHOW_INFO_SIZE = 1024 }; /**< room for one entry of the Info column */

/** What an entry of the Info column is about. */
struct show_entry {
    bool is_first;      /**< it is the frame's first packet */
    bool is_packet;     /**< it counts as one */
    int severity;       /**< of the worst that it says, enum check_severity; -1: nothing */
    size_t ends_length; /**< of its text, so many bytes name the ends: that is said once a frame */
};

/** Adds an entry, shorter than SHOW_INFO_SIZE, to the Info column, in place of what the transport has written there since the last
 *  one (TLS adds a remark of its own for each record), and names the protocol. Of several in a frame the worst comes first, and
 *  their number before all. */
void show_info_entry(packet_info *pinfo, const char *text, const struct show_entry *entry);

/** Adds an entry about what is no packet. */
void show_info_remark(packet_info *pinfo, const char *text);

/** Adds what is known of the journey of the packet's message. */
void show_journey(const struct show_context *context, proto_tree *tree);

/** The publisher of a delivery, as a value: the Client Identifier, else `address:port`; in the packet's pool. */
const char *show_publisher(const struct show_context *context);

/** The same, printable. */
const char *show_publisher_name(const struct show_context *context);

/** Adds the packet's entry to the Info column, where that is written. */
void show_info(const struct show_context *context);

/** Shows the beginning of a packet, of which `arrived` bytes are there and the rest comes later. The context's packet and tvb have
 *  its fixed header only. */
void show_beginning(const struct show_context *context, proto_tree *tree, uint32_t arrived);

/** Adds the same to the Info column. */
void show_info_of_beginning(const struct show_context *context, uint32_t arrived);

/** Shows what is to be told of a connection's end: packets that were not completed, and findings. The context's packet is
 *  empty, its tvb the segment that closes the connection. */
void show_closing(const struct show_context *context, proto_tree *tree, const struct track_unfinished *unfinished,
                  unsigned count);

/** Adds the generated subtree where there is no packet: who is who, version, connection. */
void show_connection_scope(const struct show_context *context, proto_tree *tree);

/** The same entry without the names of the ends: printable, in the packet's pool. */
const char *show_line(const struct show_context *context);

/** Shows bytes of the stream that belong to no known packet, under a tree item of their own. */
void show_unframed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

/** Shows bytes of a packet that is not put together, since the memory limit is reached. */
void show_over_limit(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

/** Shows bytes after which nothing can be framed: a Remaining Length of more than four bytes and what follows it. */
void show_unframeable(const struct show_context *context, proto_tree *parent);

/** Shows bytes that belong to another protocol, `name`: where MQTT is expected as the answer to it, or as the Client's first
 *  bytes. */
void show_foreign(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const char *name, bool is_answer);

/** Shows the PROXY protocol header that a load balancer puts before the first packet. */
void show_proxy_header(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

/** Shows bytes that TCP sent again. */
void show_repeated(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

/** Adds a run of the packet's bytes under a field; absent runs are left out, and those that the capture cuts are
 *  shortened. Returns the item or NULL. */
proto_item *show_span(const struct show_context *context, proto_tree *tree, int field, struct mqtt_span span,
                      unsigned encoding);

/** The same for a field without children, and for one of so many bytes: nothing is made where nobody asks for the field. Wireshark
 *  would find that out by itself, for five times as much as asking costs. */
proto_item *show_leaf(const struct show_context *context, proto_tree *tree, int field, struct mqtt_span span,
                      unsigned encoding);
proto_item *show_integer(const struct show_context *context, proto_tree *tree, int field, int at, int size);

/** Adds a byte and its bits, where anybody asks for one of these fields. */
void show_bits(const struct show_context *context, proto_tree *tree, int at, int field, int subtree, int *const *bits);

/** The name of one end of the connection for people. `broker`, with its endpoint where the file has shown another broker before;
 *  the Client Identifier, in quotes where it reads like a name of ours; without one `client:PORT` where both ends are on one host, else `address:port`, which is also an end's
 *  of which no role is known. Printable; in the packet's pool. */
const char *show_end_name(const struct show_context *context, unsigned end);

/** The same as a field's value: what would not be printed is not escaped, so that filters find it. */
const char *show_end_value(const struct show_context *context, unsigned end);

/** The same where the name for people is known already. */
const char *show_value_of_name(const struct show_context *context, unsigned end, const char *name);

/** Kept text as a string value: valid UTF-8, whatever the wire had; in the packet's pool. */
const char *show_text_value(const struct show_context *context, const struct track_text *text);

/** The name of a code of the packet, or its number where the packet's table does not have it; in the packet's pool, or static. */
const char *show_reason_text(const struct show_context *context, uint8_t code);

/** The Topic Name of a PUBLISH, its alias resolved, as printable text in the packet's pool; "" where it is unknown. */
const char *show_topic_text(const struct show_context *context);

#endif
