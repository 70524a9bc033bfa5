/* mqttscope.h - what the parts of the plugin's top level offer each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_H
#define MQTTSCOPE_H

#include <epan/packet.h>

#include "check/check.h"
#include "check/events.h"
#include "show/show.h"
#include "stream.h"
#include "wire/packet.h"

/** Registers our protocol; the first of all registrations. */
void protocol_register(void);

/** The id of our protocol. */
int mqttscope_proto(void);

/** False where the user has switched our protocol off, which gives everything back to Wireshark's own dissector. */
bool mqttscope_is_enabled(void);

/** The user's version for connections whose packets do not show theirs, MQTT_VERSION_UNKNOWN if none was chosen. */
enum mqtt_version mqttscope_default_version(void);

/** How many unanswered packets are tracked in each direction of a connection. */
uint32_t mqttscope_max_inflight(void);

/** How many bytes topics, filters, Client Identifiers and what belongs to them may take; 0: no limit. */
uint64_t mqttscope_max_memory(void);

/** The preference for exporting each copy of a message. */
bool mqttscope_exports_copies(void);

/** The preference for the names of both ends in the Info column. */
bool mqttscope_names_ends(void);

/** The preference for finding where each message comes from. */
bool mqttscope_follows_messages(void);

/** Whether the brokers withhold nothing, so that a message that does not come is a fault; and for how long one may be due. */
bool mqttscope_is_closed_world(void);
int64_t mqttscope_delivery_deadline_ns(void);

/** The preference for joining packets that span segments, records or messages. */
bool mqttscope_reassembles(void);

/** Which rules the user wants to hear about; good until preferences change. */
const struct check_policy *mqttscope_rules(void);

/** The preference for showing what could not be decided. */
bool mqttscope_explains_silence(void);

/** Reads the user's table of single rules again; before each file. */
void policy_reset(void);

/** Registers the preferences about rules. */
void policy_register(struct pref_module *module);

/** Registers the preferences; `proto` is our protocol. */
void preferences_register(int proto);

/** Registers the tap that statistics listen to. */
void dissect_register(void);

/** Dissects one control packet; `data` is the struct stream_chunk it lies in. Returns the bytes of the packet. */
int dissect_control_packet(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);

/** Shows bytes whose Remaining Length does not end: no packet can be framed after them. */
void dissect_unframeable(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct stream_chunk *chunk);

/** Shows what is to be told where a connection is closed; `tvb` is the segment that closes it, `by` the end that sent it. */
void dissect_closing(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stream *stream, unsigned by,
                     const struct track_unfinished *unfinished, unsigned count);

/** Takes in and shows that TLS fails: a fatal alert in clear is among the records that the chunk begins with. False where there is none. */
bool dissect_alert(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, const struct stream_chunk *chunk);

/** Shows the beginning of a packet whose fixed header breaks a rule, and tells the tables of it; `packet` holds the fixed header
 *  only. `segment` is the TCP segment that it begins in. */
void dissect_beginning(tvbuff_t *segment, packet_info *pinfo, proto_tree *tree, const struct stream *stream,
                       const struct mqtt_packet *packet, const struct track_facts *facts, uint32_t arrived);

/** Takes in the beginning of a packet whose end comes later, or more of the same; first visit only. What is to be reported of it,
 *  beginnings_show() will. `bytes` are those that have arrived. */
void beginnings_take(packet_info *pinfo, const struct stream *stream, const struct track_beginning *beginning,
                     const uint8_t *bytes);

/** Shows what is to be reported of packets that begin in the frame; after TCP has dissected it, on each visit. */
void beginnings_show(tvbuff_t *segment, packet_info *pinfo, proto_tree *tree);

/** Forgets what belongs to the file just closed. */
void beginnings_reset(void);

/** Registers the tap of what TLS clients offer (struct tap_offer). */
void tls_offer_register(void);

/** Looks for a ClientHello in a segment that TCP has dissected, and queues the protocols that it offers, where somebody listens. */
void tls_offer_look(packet_info *pinfo, tvbuff_t *segment, unsigned header_length);

/** Makes the handle that wraps TCP; at hand-off. */
void connection_end_register(void);

/** Puts it in TCP's place, or TCP back. `over_tcp` is the handle of the TCP ports that are MQTT's. */
void connection_end_adopt(bool enabled, dissector_handle_t over_tcp);

/** The dissectors of the transports. `data` is what the transport hands to its subdissectors. */
int dissect_over_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
int dissect_over_tls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);
int dissect_over_websocket(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data);

/** Dissects a record of TLS, or a chunk of a stream of QUIC; 0 where it is no MQTT. */
int dissect_records(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

/** Registers what the joining of packets across WebSocket messages needs. */
void websocket_register(int proto);

/** The WebSocket frame that a message came in (RFC 6455 section 5.2). */
struct websocket_frame {
    int opcode;      /**< -1 if that cannot be found out */
    uint32_t length; /**< with its header; 0 likewise */
};

/** The frame of a message; not found out if the message was put together from several frames, inflated, or is not captured
 *  whole. The messages of a frame of Wireshark's are to be asked for in their order. */
struct websocket_frame websocket_frame_of(packet_info *pinfo, tvbuff_t *message);

/** A message that Wireshark's WebSocket dissector hands over. */
struct websocket_message {
    const uint8_t *bytes;
    uint32_t captured;
    uint32_t length;
    uint32_t frame_length; /**< of its frame, with the header; 0 where that is not known */
    bool joins;            /**< its parts of packets can be put together with others */
};

/** What may be wrong with a message. */
struct websocket_doubt {
    bool is_unsure; /**< messages before it may have been missed, and its packets may be none */
    bool may_lack;  /**< messages of either end may have been missed */
};

/** Whole messages may be missing, and the next one begins with a packet all the same: says what this message's findings are worth.
 *  `is_rest`: its first bytes belong to a packet before it. Finds out, too, whether it is the first that its end has sent. First
 *  visit only. */
void websocket_look_for_loss(const struct stream_chunk *chunk, packet_info *pinfo,
                             const struct websocket_message *message, bool is_rest, struct websocket_doubt *doubt);

/** The frames of one end of a WebSocket, followed from the end of its handshake on; written on the first visit only. */
struct websocket_walk {
    bool is_certain;         /**< no byte was missed, and each message was handed over */
    bool is_compressed;      /**< the message under way */
    uint8_t header_length;   /**< the bytes of a frame's header that were met */
    uint8_t header[10];      /**< those bytes */
    uint32_t at;             /**< TCP's raw sequence number of the next byte */
    uint64_t left;           /**< the bytes of the frame that are to come */
    uint64_t message_length; /**< the payload of the frames of the message under way, or of the latest */
};

/** Begins with the frame that is at the sequence number. */
void websocket_walk_begin(struct websocket_walk *walk, uint32_t at);

/** Passes the message that is handed over, which ends in the segment being dissected; true where nothing was missed before it. */
bool websocket_walk_meet(struct websocket_walk *walk, const packet_info *pinfo, uint32_t length);

/** Passes what is left of the segment that was dissected. */
void websocket_walk_pass(struct websocket_walk *walk, const packet_info *pinfo);

/** The HTTP messages that turn a connection into a WebSocket. File scope. */
struct websocket_upgrade {
    const struct tcp_analysis *tcp;
    const struct _tcp_flow_t *client; /**< the Client's direction in it */
    const char *offered;              /**< the Client's list of subprotocols; NULL: none, or too long */
    bool is_accepted;                 /**< the Server's response was captured: the next is good */
    const char *chosen;               /**< NULL: none */
    bool has_end;                     /**< the two that follow are good, the second where `is_accepted` */
    uint32_t request_end;             /**< TCP's raw sequence number after the request */
    uint32_t response_end;            /**< and after the response */
    struct websocket_walk walks[2];   /**< the frames of the Client and of the Server since */
};

/** Looks for these messages in a segment that TCP has dissected; first visit only. */
void websocket_upgrade_look(packet_info *pinfo, tvbuff_t *segment, unsigned header_length);

/** What was found of the packet's conversation; NULL for nothing. */
const struct websocket_upgrade *websocket_upgrade_of(packet_info *pinfo);

/** The Server left out the subprotocol that the Client offered; and there was MQTT all the same, or neither sent any data since. */
bool websocket_upgrade_lacks_choice(const struct websocket_upgrade *upgrade, bool has_mqtt);

/** The frames that the packet's sender, or the other end, has sent since. NULL where the handshake was not captured. */
struct websocket_walk *websocket_upgrade_walk(packet_info *pinfo, bool is_of_sender);

/** Forgets what belongs to the file just closed. */
void websocket_upgrade_reset(void);

/** The handshake of the packet's WebSocket. Good once it has passed, on the first visit. */
struct websocket_handshake websocket_handshake(packet_info *pinfo);

/** Whether the data of a segment is the beginning of a CONNECT; `data` is what TCP hands on. Where only more bytes can tell, they are
 *  asked for: MQTT_CONNECT_BEGUN. */
enum mqtt_connect_match heuristics_match_connect(tvbuff_t *tvb, packet_info *pinfo, const void *data);

/** Looks TLS up; at hand-off. `tcp` is the dissector that takes a stream over once it is recognised. */
void plain_port_register(dissector_handle_t tcp);

/** The handle is the one that serves those ports. */
bool plain_port_is_adopted(dissector_handle_t handle);

/** Comes before TLS on the ports where it carries MQTT, to `over_tls`; or gives them back. */
void plain_port_adopt(bool enabled, dissector_handle_t over_tls);

/** Registers the heuristics under the built-in's protocol `mqtt`; `tcp` and `tls` are the dissectors that take a stream over
 *  once it is recognised. */
void heuristics_register(int mqtt, dissector_handle_t tcp, dissector_handle_t tls);

/** Registers the conversation filters. */
void filters_register(void);

/** Leaves the topic that a packet is about for the filter of its frame; `topic` is in the packet's pool. */
void filters_note_topic(packet_info *pinfo, const char *topic);

/** Registers the entry of Wireshark's menu that opens the page of the file; harmless where there is no window. `proto` is our
 *  protocol. */
void report_menu_register(int proto);

/** Registers the plugin wherever MQTT travels, and the take-over from Wireshark's own dissector. */
void takeover_register(void);

/** Looks the payload dissectors up; once, at hand-off. */
void payload_handoff(void);

/** Has the user's table of payload dissectors read again; before each file. */
void payload_reset(void);

/** Hands a PUBLISH's payload to the dissector that knows it. `parent` is the frame's tree, `tree` the packet's or NULL. */
void payload_hand_over(const struct show_context *context, proto_tree *parent, proto_tree *tree);

#endif
