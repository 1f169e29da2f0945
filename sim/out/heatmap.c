/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/out/heatmap.h"

#include <math.h>
#include <string.h>

#include "sim/out/table.h"

/* Ten steps of viridis (van der Walt and Smith, 2015): even in lightness, so it also works in grey and for
 * colour-blind readers. `ansi` is the nearest of the 6x6x6 cube of 256-colour terminals. */
static const struct { int red, green, blue, ansi; bool dark; } scale[] = {
    {  68,   1,  84,  53, true },  {  72,  40, 120,  54, true },  {  62,  74, 137,  60, true },
    {  49, 104, 142,  24, true },  {  38, 130, 142,  30, true },  {  31, 158, 137,  36, true },
    {  53, 183, 121,  71, false }, { 109, 205,  89,  77, false }, { 180, 222,  44, 148, false },
    { 253, 231,  37, 226, false },
};

enum { STEPS = sizeof scale / sizeof scale[0] };

static void range_of(const struct heatmap *h, double *lo, double *hi)
{
    if (h->hi > h->lo) {
        *lo = h->lo;
        *hi = h->hi;
        return;
    }
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int i = 0; i < h->rows * h->columns; i++)
        if (isfinite(h->value[i])) {
            *lo = fmin(*lo, h->value[i]);
            *hi = fmax(*hi, h->value[i]);
        }
}

/* Equal values everywhere are the low end of the scale. */
static int step_of(double value, double lo, double hi)
{
    int step = hi > lo ? (int)((value - lo) / (hi - lo) * STEPS) : 0;

    return step < STEPS ? step : STEPS - 1;
}

static const char *value_text(const struct heatmap *h, double value, char buffer[NUMBER_TEXT])
{
    if (h->percent)
        return number_percent(value, buffer);
    if (h->time)
        return number_time(value, buffer);
    return number_short(value, 3, buffer);
}

static int widest(const struct heatmap *h)
{
    char buffer[NUMBER_TEXT];
    int width = 0;

    for (int i = 0; i < h->rows * h->columns; i++) {
        int w = text_width(value_text(h, h->value[i], buffer));

        width = w > width ? w : width;
    }
    for (int i = 0; i < h->columns; i++) {
        int w = text_width(h->x[i]);

        width = w > width ? w : width;
    }
    return width;
}

static void print_cell(const struct heatmap *h, double value, double lo, double hi, int width, bool colour,
                       FILE *out)
{
    char buffer[NUMBER_TEXT];
    const char *text = value_text(h, value, buffer);

    if (!isfinite(value)) {
        fprintf(out, " %*s  ", width, "-");
        return;
    }

    int step = step_of(value, lo, hi);

    if (colour)
        fprintf(out, "\033[48;5;%dm\033[38;5;%dm %*s  \033[0m", scale[step].ansi, scale[step].dark ? 231 : 16, width,
                text);
    else
        fprintf(out, " %*s %d", width, text, step);
}

static void print_scale(const struct heatmap *h, double lo, double hi, bool colour, int indent, FILE *out)
{
    char low[NUMBER_TEXT], high[NUMBER_TEXT];

    fprintf(out, "%*s%s: ", indent, "", h->title);
    value_text(h, lo, low);
    value_text(h, hi, high);
    if (!(hi > lo)) {
        fprintf(out, "%s everywhere\n", isfinite(lo) ? low : "nothing");
        return;
    }
    if (!colour) {
        fprintf(out, "0 is %s .. 9 is %s\n", low, high);
        return;
    }
    fprintf(out, "%s ", low);
    for (int i = 0; i < STEPS; i++)
        fprintf(out, "\033[48;5;%dm  \033[0m", scale[i].ansi);
    fprintf(out, " %s\n", high);
}

void heatmap_print(const struct heatmap *h, bool colour, FILE *out)
{
    int width = widest(h), margin = text_width(h->y_name);
    double lo, hi;

    range_of(h, &lo, &hi);
    for (int y = 0; y < h->rows; y++)
        margin = text_width(h->y[y]) > margin ? text_width(h->y[y]) : margin;
    print_scale(h, lo, hi, colour, 2, out);
    fprintf(out, "  %*s  %s ->\n", margin, "", h->x_name);
    fprintf(out, "  %*s ", margin, h->y_name);
    for (int x = 0; x < h->columns; x++)
        fprintf(out, " %*s%s", width, h->x[x], x + 1 < h->columns ? "  " : "\n");
    for (int y = 0; y < h->rows; y++) {
        fprintf(out, "  %*s ", margin, h->y[y]);
        for (int x = 0; x < h->columns; x++)
            print_cell(h, h->value[y * h->columns + x], lo, hi, width, colour, out);
        fputc('\n', out);
    }
}

/* ---- SVG ---- */

enum {                          /* pixels */
    CELL_HEIGHT = 34, CELL_LEAST = 64, MARGIN = 16, TITLE = 30, AXIS = 44, LETTER = 8, SCALE_WIDTH = 16,
};

static void svg_text(FILE *out, int x, int y, const char *anchor, const char *fill, const char *text)
{
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\" fill=\"%s\">", x, y, anchor, fill);
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*text, out);
        }
    fputs("</text>\n", out);
}

static void svg_cell(const struct heatmap *h, int x, int y, int width, double value, double lo, double hi, FILE *out)
{
    char buffer[NUMBER_TEXT];

    if (!isfinite(value)) {
        fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#dddddd\"/>\n", x, y, width,
                CELL_HEIGHT);
        return;
    }

    int step = step_of(value, lo, hi);

    fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%02x%02x%02x\"/>\n", x, y, width,
            CELL_HEIGHT, (unsigned)scale[step].red, (unsigned)scale[step].green, (unsigned)scale[step].blue);
    svg_text(out, x + width / 2, y + CELL_HEIGHT / 2 + 5, "middle", scale[step].dark ? "#ffffff" : "#000000",
             value_text(h, value, buffer));
}

static void svg_scale(const struct heatmap *h, int x, int y, int height, double lo, double hi, FILE *out)
{
    char buffer[NUMBER_TEXT];

    for (int i = 0; i < STEPS; i++)
        fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%02x%02x%02x\"/>\n", x,
                y + height - (i + 1) * height / STEPS, SCALE_WIDTH,
                (i + 1) * height / STEPS - i * height / STEPS, (unsigned)scale[i].red, (unsigned)scale[i].green,
                (unsigned)scale[i].blue);
    svg_text(out, x + SCALE_WIDTH + 4, y + 11, "start", "#000000", value_text(h, hi, buffer));
    svg_text(out, x + SCALE_WIDTH + 4, y + height, "start", "#000000", value_text(h, lo, buffer));
}

void heatmap_svg(const struct heatmap *h, FILE *out)
{
    int cell = LETTER * (widest(h) + 2), left = text_width(h->y_name), height = h->rows * CELL_HEIGHT, width;
    int top = MARGIN + TITLE + AXIS;
    double lo, hi;

    range_of(h, &lo, &hi);
    cell = cell < CELL_LEAST ? CELL_LEAST : cell;
    for (int y = 0; y < h->rows; y++)
        left = text_width(h->y[y]) > left ? text_width(h->y[y]) : left;
    left = MARGIN + LETTER * (left + 1);
    width = left + h->columns * cell + 2 * MARGIN + SCALE_WIDTH + 10 * LETTER;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"13\">\n", width, top + height + MARGIN, width,
            top + height + MARGIN);
    fprintf(out, "<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", width, top + height + MARGIN);
    svg_text(out, left, MARGIN + 14, "start", "#000000", h->title);
    svg_text(out, left + h->columns * cell / 2, MARGIN + TITLE + 14, "middle", "#000000", h->x_name);
    svg_text(out, left - LETTER, top - 8, "end", "#000000", h->y_name);
    for (int x = 0; x < h->columns; x++)
        svg_text(out, left + x * cell + cell / 2, top - 8, "middle", "#000000", h->x[x]);
    for (int y = 0; y < h->rows; y++) {
        svg_text(out, left - LETTER, top + y * CELL_HEIGHT + CELL_HEIGHT / 2 + 5, "end", "#000000", h->y[y]);
        for (int x = 0; x < h->columns; x++)
            svg_cell(h, left + x * cell, top + y * CELL_HEIGHT, cell, h->value[y * h->columns + x], lo, hi, out);
    }
    if (hi > lo)
        svg_scale(h, left + h->columns * cell + MARGIN, top, height, lo, hi, out);
    fputs("</svg>\n", out);
}
