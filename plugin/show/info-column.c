/* info-column.c - the entries of a frame's control packets in the Info column: the worst first, and not too many.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most frames have one packet, and its entry is handed over as it is. With the second one the row is written again, for as
 * long as the frame has more: how many they are is known with the last one only. What others have written before the row is
 * left as it is.
 */
#include <stdio.h>
#include <string.h>

#include <epan/column-utils.h>

#include "show.h"

enum {
    ENTRIES_SHOWN = 32,  /**< of the packets of a frame */
    COLUMN_BYTES = 4000, /**< Wireshark's columns have a little more */
};

/** An entry of the row. */
struct info_entry {
    int severity;
    uint32_t length;
    unsigned slot; /**< where its text is */
};

/** The row of the frame that was dissected last. It keeps copies: a frame may be dissected again without a word. */
static struct {
    uint32_t frame;
    size_t written; /**< bytes of the column up to the latest entry: where it has others, this is not its row */
    size_t before;  /**< of these, what others have written in front of the row */
    uint32_t packets;
    uint32_t entries; /**< of which ENTRIES_SHOWN are kept, by severity */
    struct info_entry kept[ENTRIES_SHOWN];
    char texts[ENTRIES_SHOWN][SHOW_INFO_SIZE];
    char ends[SHOW_INFO_SIZE];
    size_t ends_length;
} row;

/** A column under construction. */
struct info_column {
    size_t length;
    char text[COLUMN_BYTES];
};

/** Adds text, as far as there is room. */
static void add_to_column(struct info_column *column, const char *text, size_t length)
{
    size_t room = sizeof column->text - 1 - column->length;

    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(column->text + column->length, text, length);
    column->length += length;
}

/** Keeps an entry, after those that are as bad; where there are too many, the last one goes. */
static void keep_entry(const char *text, int severity)
{
    unsigned count = MIN(row.entries, (unsigned)ENTRIES_SHOWN);
    unsigned at = count;

    while (at > 0 && row.kept[at - 1].severity < severity)
        at--;
    row.entries++;
    if (at == ENTRIES_SHOWN)
        return;
    bool is_full = count == ENTRIES_SHOWN;
    unsigned slot = is_full ? row.kept[count - 1].slot : count;
    memmove(&row.kept[at + 1], &row.kept[at], ((is_full ? count - 1 : count) - at) * sizeof row.kept[0]);
    row.kept[at] = (struct info_entry){severity, (uint32_t)MIN(strlen(text), SHOW_INFO_SIZE - 1u), slot};
    memcpy(row.texts[slot], text, row.kept[at].length);
}

/** Writes the row again; `before` is what the column has now. */
static void write_row(packet_info *pinfo, const char *before)
{
    static const char more[] = " | \xE2\x80\xA6";
    struct info_column column;
    char number[32];

    column.length = 0;
    add_to_column(&column, before, row.before);
    add_to_column(&column, row.ends, row.ends_length);
    if (row.packets > 1)
        add_to_column(&column, number, (size_t)snprintf(number, sizeof number, "%u packets: ", row.packets));
    for (unsigned i = 0; i < MIN(row.entries, (unsigned)ENTRIES_SHOWN); i++) {
        add_to_column(&column, " | ", i > 0 ? 3 : 0);
        add_to_column(&column, row.texts[row.kept[i].slot], row.kept[i].length);
    }
    if (row.entries > ENTRIES_SHOWN)
        add_to_column(&column, more, sizeof more - 1);
    column.text[column.length] = '\0';
    row.written = column.length;
    col_clear_fence(pinfo->cinfo, COL_INFO);
    col_set_str(pinfo->cinfo, COL_INFO, (const char *)wmem_memdup(pinfo->pool, column.text, column.length + 1));
}

/** Begins the row of a frame with its first entry, `text`, which the names of the ends begin. */
static void begin_row(packet_info *pinfo, const char *before, const char *text, const struct show_entry *entry)
{
    size_t length = before != NULL ? strlen(before) : 0;

    row.frame = pinfo->num;
    row.packets = row.entries = 0;
    row.ends_length = entry->ends_length;
    memcpy(row.ends, text, entry->ends_length);
    keep_entry(text + entry->ends_length, entry->severity);
    if (length == 0) {
        /* Wireshark copies byte by byte what it does not get for as long as the frame. */
        col_set_str(pinfo->cinfo, COL_INFO, wmem_strdup(pinfo->pool, text));
    } else {
        /* What TCP remarks about the segment ends with a space and needs no separator. */
        const char *separator = before[length - 1] == ' ' ? "" : " | ";
        length += strlen(separator);
        col_append_lstr(pinfo->cinfo, COL_INFO, separator, text, COL_ADD_LSTR_TERMINATOR);
    }
    row.before = length;
    row.written = length + row.ends_length + row.kept[0].length;
}

void show_info_entry(packet_info *pinfo, const char *text, const struct show_entry *entry)
{
    column_info *columns = pinfo->cinfo;

    col_set_str(columns, COL_PROTOCOL, "MQTT");
    if (!col_get_writable(columns, COL_INFO))
        return;
    col_clear(columns, COL_INFO);
    const char *before = col_get_text(columns, COL_INFO);
    bool has_row = row.frame == pinfo->num && before != NULL && strlen(before) == row.written;
    if (has_row && !entry->is_first) {
        row.packets += entry->is_packet;
        keep_entry(text, entry->severity);
        write_row(pinfo, before);
    } else {
        begin_row(pinfo, before, text, entry);
        row.packets += entry->is_packet;
    }
    col_set_fence(columns, COL_INFO);
}

void show_info_remark(packet_info *pinfo, const char *text)
{
    show_info_entry(pinfo, text, &(struct show_entry){.severity = -1});
}
