/* events.c - events in words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "events.h"

#include <stdarg.h>
#include <stdio.h>

#include <glib.h>

#include "../../wire/tls-record.h"
#include "facts.h"

static const int64_t SECOND_NS = INT64_C(1000000000);

/** A sentence in the making; what does not fit is left out. */
struct sentence {
    char *text;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int written =
        vsnprintf(sentence->text + sentence->length, TRACK_EVENT_TEXT_SIZE - sentence->length, format, arguments);
    va_end(arguments);
    if (written > 0)
        sentence->length = MIN(sentence->length + (size_t)written, TRACK_EVENT_TEXT_SIZE - 1);
}

const struct track_event_info *track_event_info(enum track_event_kind kind)
{
    static const struct track_event_info rows[TRACK_EVENT_KINDS + 1] = {
#define EVENT(name, severity, title, short_title) {#name, title, short_title},
#include "events.def"
#undef EVENT
        {"end", "End of the connection", "End"},
    };
    return &rows[kind];
}

/** Says a code and its name. */
static void say_code(struct sentence *sentence, unsigned version, enum mqtt_packet_type type, uint8_t code)
{
    const char *name = mqtt_reason_name((enum mqtt_version)version, type, code);

    if (name != NULL)
        say(sentence, "0x%02X (%s)", code, name);
    else
        say(sentence, "0x%02X", code);
}

static void say_seconds(struct sentence *sentence, int64_t ns)
{
    say(sentence, "%lld.%03lld s", (long long)(ns / SECOND_NS), (long long)(ns % SECOND_NS / (SECOND_NS / 1000)));
}

/** Kept text, of which a long one is cut. */
static void say_text(struct sentence *sentence, const struct track_text *text)
{
    enum { LONGEST = 200 };
    uint32_t length = text->length;

    if (length > LONGEST)
        for (length = LONGEST; length > 0 && (text->bytes[length] & 0xC0) == 0x80;)
            length--;
    say(sentence, "%.*s%s", (int)length, (const char *)text->bytes, length < text->length ? "..." : "");
}

static const char *actor(unsigned end, unsigned broker)
{
    return broker == TRACK_END_UNKNOWN ? "One end" : end == broker ? "Server" : "Client";
}

/** What explains an end. */
static void say_why(struct sentence *sentence, const struct track_event *end)
{
    switch ((enum track_end_why)end->why) {
    case TRACK_ENDED_KEEP_ALIVE:
        say(sentence, ": Keep Alive of %u s ran out", end->value);
        break;
    case TRACK_ENDED_TAKEN_OVER:
        say(sentence, ": taken over by the CONNECT in frame %u", end->frame);
        break;
    case TRACK_ENDED_UNANSWERED:
        say(sentence, ": CONNECT in frame %u had no answer", end->frame);
        break;
    case TRACK_ENDED_MALFORMED:
        say(sentence, ": packet in frame %u is malformed", end->frame);
        break;
    case TRACK_ENDED_TLS_ALERT:
        say(sentence, ": TLS alert %u (%s) in frame %u", end->value, mqtt_tls_alert_name((uint8_t)end->value),
            end->frame);
        break;
    case TRACK_ENDED_NO_HANDSHAKE:
        say(sentence, ": its answer to the SYN");
        break;
    case TRACK_ENDED_DOUBTFUL:
        say(sentence, ": packets before may be missing from the capture");
        break;
    case TRACK_ENDED_UNEXPLAINED:
        break;
    }
}

/** How long after the last packet. */
static void say_silence(struct sentence *sentence, const struct track_event *end, unsigned broker)
{
    if (end->ns == TRACK_TIME_UNKNOWN)
        return;
    say(sentence, ", ");
    say_seconds(sentence, end->ns);
    say(sentence, " after the %slast packet", end->by == broker ? "Client's " : "");
}

static void say_closing(struct sentence *sentence, const struct track_event *end, unsigned broker)
{
    bool is_fin = end->how == TRACK_ENDED_BY_FIN;
    bool lacks_disconnect = end->by != broker && broker != TRACK_END_UNKNOWN && end->why == TRACK_ENDED_UNEXPLAINED;

    say(sentence, "%s %s", actor(end->by, broker), is_fin ? "closed (FIN)" : "reset the connection (RST)");
    if (lacks_disconnect)
        say(sentence, " without DISCONNECT");
    say_silence(sentence, end, broker);
    if (end->by == broker && end->why == TRACK_ENDED_UNEXPLAINED)
        say(sentence, ": no reason given");
    say_why(sentence, end);
}

void track_end_text(const struct track_event *end, unsigned broker, unsigned version,
                    char buffer[TRACK_EVENT_TEXT_SIZE])
{
    struct sentence sentence = {buffer, 0};

    buffer[0] = '\0';
    switch ((enum track_end_how)end->how) {
    case TRACK_ENDED_BY_DISCONNECT:
        say(&sentence, "%s sent DISCONNECT", actor(end->by, broker));
        if (version == MQTT_V50) {
            say(&sentence, " ");
            say_code(&sentence, version, MQTT_TYPE_DISCONNECT, end->code);
        }
        say_silence(&sentence, end, broker);
        say_why(&sentence, end);
        break;
    case TRACK_ENDED_BY_REFUSAL:
        say(&sentence, "Server refused the connection: ");
        /* A Server of an older version refuses in its form: in that of 5.0 such codes are 0x80 and above. */
        say_code(&sentence, end->code < 0x80 && version == MQTT_V50 ? MQTT_V311 : version, MQTT_TYPE_CONNACK,
                 end->code);
        break;
    case TRACK_ENDED_BY_FIN:
    case TRACK_ENDED_BY_RST:
        say_closing(&sentence, end, broker);
        break;
    case TRACK_ENDED_BY_CONNECT:
        say(&sentence, "Server has to end mqttscope.connection %u for this CONNECT", end->other);
        if (end->ns != TRACK_TIME_UNKNOWN) {
            say(&sentence, ", ");
            say_seconds(&sentence, end->ns);
            say(&sentence, " after its last packet");
        }
        break;
    }
}

/** What became of the Will's connection. */
static void say_cause(struct sentence *sentence, const struct track_event *event)
{
    static const char *const causes[] = {
        [TRACK_ENDED_BY_DISCONNECT] = "DISCONNECT",
        [TRACK_ENDED_BY_REFUSAL] = "CONNACK",
        [TRACK_ENDED_BY_FIN] = "FIN",
        [TRACK_ENDED_BY_RST] = "RST",
        [TRACK_ENDED_BY_CONNECT] = "taken over by the CONNECT",
    };
    const char *keep_alive = event->why == TRACK_ENDED_KEEP_ALIVE ? "Keep Alive ran out, " : "";

    say(sentence, ": set by the CONNECT in frame %u (mqttscope.connection %u)", event->frame, event->other);
    if (event->value != 0)
        say(sentence, ", which ended: %s%s in frame %u", keep_alive, causes[event->how], event->value);
}

/** What a limit is, by the code that says that it was exceeded. */
static const char *limit_name(uint8_t code)
{
    switch (code) {
    case MQTT_REASON_RECEIVE_MAXIMUM_EXCEEDED:
        return "Receive Maximum";
    case MQTT_REASON_TOPIC_ALIAS_INVALID:
        return "Topic Alias Maximum";
    case MQTT_REASON_PACKET_TOO_LARGE:
        return "Maximum Packet Size";
    default:
        return NULL;
    }
}

static void say_limit(struct sentence *sentence, const struct track_event *event)
{
    const char *name = limit_name(event->code);

    if (name != NULL && event->value != 0)
        say(sentence, ", %s is %u", name, event->value);
}

/** The Reason String of the packet, where it has one. */
static void say_reason_string(struct sentence *sentence, const struct mqtt_packet *packet)
{
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_REASON_STRING);
    enum { LONGEST = 120 };

    if (property != NULL && property->text.length > 0 && mqtt_was_read(packet, property->text))
        say(sentence, ", \"%.*s\"", (int)MIN(property->text.length, LONGEST),
            (const char *)packet->bytes + property->text.at);
}

static void say_refusal(struct sentence *sentence, const struct track_event *event, const struct mqtt_packet *packet,
                        const struct track_facts *facts)
{
    switch (event->kind) {
    case TRACK_EVENT_connection_refused:
        if (event->text != NULL) {
            say(sentence, ", User Name ");
            say_text(sentence, event->text);
        } else if (event->value != 0) {
            say(sentence, ", no User Name");
        }
        break;
    case TRACK_EVENT_subscription_refused:
        if (event->text != NULL) {
            say(sentence, ", ");
            say_text(sentence, event->text);
        }
        say(sentence, " (%u of %u %s)", event->value, event->other, event->other == 1 ? "filter" : "filters");
        break;
    case TRACK_EVENT_publication_refused:
        if (facts->request_topic != NULL) {
            say(sentence, ", ");
            say_text(sentence, facts->request_topic);
        }
        if (event->frame != 0)
            say(sentence, ", PUBLISH in frame %u", event->frame);
        break;
    default:
        break;
    }
    say_reason_string(sentence, packet);
}

/** What happened between the Client's connections. */
static void say_between(struct sentence *sentence, const struct track_event *event)
{
    switch (event->kind) {
    case TRACK_EVENT_reconnected_while_open:
        say(sentence, ": mqttscope.connection %u", event->other);
        if (event->frame != 0)
            say(sentence, ", CONNECT in frame %u", event->frame);
        if (event->ns != TRACK_TIME_UNKNOWN) {
            say(sentence, ", last packet ");
            say_seconds(sentence, event->ns);
            say(sentence, " before");
        }
        break;
    case TRACK_EVENT_taken_over:
        say(sentence, ": mqttscope.connection %u", event->other);
        if (event->frame != 0)
            say(sentence, ", CONNECT in frame %u", event->frame);
        break;
    case TRACK_EVENT_two_devices:
        say(sentence,
            ": the Client of the older connection lives, mqttscope.connection %u took over, CONNECT in frame %u",
            event->other, event->frame);
        break;
    case TRACK_EVENT_session_not_found:
        say(sentence, ": Session Present 0 ");
        say_seconds(sentence, event->ns);
        say(sentence, " after the Client left, the session was to live longer");
        break;
    case TRACK_EVENT_reconnect_loop:
        say(sentence, ": %u connections in ", event->value);
        say_seconds(sentence, event->ns);
        say(sentence, ", one each ");
        say_seconds(sentence, event->ns / event->value);
        say(sentence, ", none ended by its DISCONNECT");
        break;
    default:
        break;
    }
}

void track_event_text(const struct track_event *event, const struct mqtt_packet *packet,
                      const struct track_facts *facts, char buffer[TRACK_EVENT_TEXT_SIZE])
{
    struct sentence sentence = {buffer, 0};
    unsigned broker = facts->snapshot->broker;

    buffer[0] = '\0';
    say(&sentence, "%s", track_event_info((enum track_event_kind)event->kind)->title);
    switch (event->kind) {
    case TRACK_EVENT_connection_refused:
    case TRACK_EVENT_subscription_refused:
    case TRACK_EVENT_publication_refused:
        say(&sentence, ": ");
        say_code(&sentence, packet->version, packet->type, event->code);
        say_refusal(&sentence, event, packet, facts);
        break;
    case TRACK_EVENT_closed_with_reason:
    case TRACK_EVENT_limit_exceeded:
        say(&sentence, ": %s sent ", actor(event->by, broker));
        say_code(&sentence, packet->version, packet->type, event->code);
        say_limit(&sentence, event);
        say_reason_string(&sentence, packet);
        break;
    case TRACK_EVENT_receive_maximum_reached:
        say(&sentence, ", %u in flight", event->value);
        break;
    case TRACK_EVENT_keep_alive_ran_out:
        if (event->ns != TRACK_TIME_UNKNOWN) {
            say(&sentence, ": nothing from the Client for ");
            say_seconds(&sentence, event->ns);
        }
        if (event->value != 0)
            say(&sentence, ", Keep Alive is %u s", event->value);
        break;
    case TRACK_EVENT_connection_unanswered:
        say(&sentence, ": %s closed, CONNECT in frame %u", actor(event->by, broker), event->frame);
        break;
    case TRACK_EVENT_tcp_refused:
        say(&sentence, ": %s answered the SYN with RST", actor(event->by, broker));
        break;
    case TRACK_EVENT_tls_alert:
        say(&sentence, ": %s sent %u (%s)", actor(event->by, broker), event->code, mqtt_tls_alert_name(event->code));
        break;
    case TRACK_EVENT_server_closed:
    case TRACK_EVENT_ended_without_disconnect:
        if (event->ns != TRACK_TIME_UNKNOWN) {
            say(&sentence, ": ");
            say_seconds(&sentence, event->ns);
            say(&sentence, " after the last packet");
        }
        if (event->why == TRACK_ENDED_MALFORMED)
            say(&sentence, ", packet in frame %u is malformed", event->frame);
        break;
    case TRACK_EVENT_will_published:
        say_cause(&sentence, event);
        break;
    default:
        say_between(&sentence, event);
        break;
    }
}
