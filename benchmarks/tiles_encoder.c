/* The kernels of tiles/kernel in C, for comparison: search, thin, round, cut, judge and write the features of one window.
 *
 * The same work on the same arrays, byte for byte the same result; tiles_encoder.py compiles it, compares and measures. What the
 * numba kernel hands to GEOS is only counted here. Arguments are those of tiles/kernel/encoding.py, buffers are kept between calls.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { int64_t x, y; } Place;
typedef struct { int64_t west; int64_t edge; } Edge;
typedef int64_t i64;

enum { POINTS = 1, LINES = 2, POLYGONS = 3, NODE = 16, FEW = 32, MOST_PAIRS = 4000000 };
enum { DRAWN, TOO_SMALL, NOT_YET };
#define LAST 4294967295u
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

typedef struct {
    i64 n;
    const i64 *fids;
    const uint8_t *kinds, *first_zoom;
    const uint32_t (*boxes)[4];
    const i64 *feature_paths, *path_vertices;
    const uint8_t *path_roles;
    const uint32_t *x, *y;
    const uint8_t *vertex_zoom;
    i64 properties;
    const int32_t *codes;
    const i64 *value_starts;
    const uint8_t *value_bytes;
    const uint32_t (*tree_boxes)[4];
    i64 levels;
    const i64 *tree_levels;
    int32_t *remap;
} Columns;

typedef struct { i64 zoom, bits, extent, origin_x, origin_y, low, high, checked, mercator; } Frame;

/* Buffers that only ever grow. */
static void *room(void **buffer, size_t *size, size_t wanted) {
    if (wanted > *size) {
        *size = 2 * wanted;
        *buffer = realloc(*buffer, *size);
    }
    return *buffer;
}
#define ROOM(name, type, wanted) \
    static void *name##_buffer; static size_t name##_size; \
    type *name = room(&name##_buffer, &name##_size, (size_t)(wanted) * sizeof(type))

static inline int varint_length(uint64_t v) {
    int n = 1;
    while (v >= 0x80) v >>= 7, n++;
    return n;
}
static inline uint8_t *varint(uint8_t *at, uint64_t v) {
    while (v >= 0x80) *at++ = (uint8_t)(v | 0x80), v >>= 7;
    *at++ = (uint8_t)v;
    return at;
}
static inline uint8_t *step(uint8_t *at, i64 dx, i64 dy) {
    at = varint(at, (uint64_t)((dx << 1) ^ (dx >> 63)));
    return varint(at, (uint64_t)((dy << 1) ^ (dy >> 63)));
}

i64 search(const Columns *c, const i64 *box, i64 *found) {
    static i64 stack[64 * NODE][2];
    i64 n = 0, top = 0;
    if (c->n == 0) return 0;
    stack[0][0] = c->levels - 2, stack[0][1] = 0;
#define MEETS(b) ((b)[0] <= box[2] && (b)[2] >= box[0] && (b)[1] <= box[3] && (b)[3] >= box[1])
    while (top >= 0) {
        i64 level = stack[top][0], node = stack[top][1];
        top--;
        if (!MEETS(c->tree_boxes[c->tree_levels[level] + node])) continue;
        if (level == 0) {
            for (i64 i = node * NODE; i < MIN(c->n, (node + 1) * NODE); i++)
                if (MEETS(c->boxes[i])) found[n++] = i;
        } else {
            i64 last = MIN(c->tree_levels[level] - c->tree_levels[level - 1], (node + 1) * NODE);
            for (i64 child = last - 1; child >= node * NODE; child--) top++, stack[top][0] = level - 1, stack[top][1] = child;
        }
    }
    return n;
}

static i64 place(const Columns *c, i64 first, i64 end, const Frame *f, Place *ring) {
    i64 half = ((i64)1 << f->bits) >> 1, n = 0;
    for (i64 v = first; v < end; v++) {
        if (c->vertex_zoom[v] > f->zoom) continue;
        i64 px = (((i64)c->x[v] - f->origin_x) * f->extent + half) >> f->bits;
        i64 py = (((i64)c->y[v] - f->origin_y) * f->extent + half) >> f->bits;
        if (n == 0 || ring[n - 1].x != px || ring[n - 1].y != py) ring[n].x = px, ring[n].y = py, n++;
    }
    return n;
}

static i64 clip(Place *ring, Place *other, i64 n, i64 low, i64 high) {
    for (int side = 0; side < 4; side++) {
        if (n == 0) return 0;
        int axis = side % 2, above = side < 2;
        i64 limit = above ? low : high, m = 0;
        for (i64 i = 0; i < n; i++) {
            const Place a = ring[i], b = ring[i > 0 ? i - 1 : n - 1];
            i64 here = axis ? a.y : a.x, there = axis ? b.y : b.x;
            int in_here = above ? here >= limit : here <= limit, in_there = above ? there >= limit : there <= limit;
            if (in_here != in_there) {
                const Place s = here < there ? a : b, e = here < there ? b : a;
                i64 s0 = axis ? s.y : s.x, s1 = axis ? s.x : s.y, e0 = axis ? e.y : e.x, e1 = axis ? e.x : e.y;
                double t = (double)(limit - s0) / (double)(e0 - s0);
                i64 crossing = (i64)rint((double)s1 + t * (double)(e1 - s1));
                other[m].x = axis ? crossing : limit, other[m].y = axis ? limit : crossing;
                m++;
            }
            if (in_here) other[m++] = a;
        }
        memcpy(ring, other, (size_t)m * sizeof(Place));
        n = m;
    }
    return n;
}

static inline int is_spike(const Place *r, i64 a, i64 b, i64 c) {
    i64 ux = r[b].x - r[a].x, uy = r[b].y - r[a].y, vx = r[c].x - r[b].x, vy = r[c].y - r[b].y;
    return ux * vy == uy * vx && ux * vx + uy * vy < 0;
}
static inline int same(Place a, Place b) { return a.x == b.x && a.y == b.y; }

static i64 tidy(Place *ring, i64 n) {
    i64 m = 0, first = 0;
    for (i64 i = 0; i < n; i++) {
        ring[m++] = ring[i];
        while (m >= 2) {
            if (same(ring[m - 1], ring[m - 2])) m--;
            else if (m >= 3 && is_spike(ring, m - 3, m - 2, m - 1)) ring[m - 2] = ring[m - 1], m--;
            else break;
        }
    }
    while (m - first >= 3) {
        if (same(ring[m - 1], ring[first]) || is_spike(ring, m - 2, m - 1, first)) m--;
        else if (is_spike(ring, m - 1, first, first + 1)) first++;
        else break;
    }
    if (first) memmove(ring, ring + first, (size_t)(m - first) * sizeof(Place));
    return m - first;
}

static i64 area(const Place *r, i64 n) {
    i64 total = 0;
    for (i64 i = 1; i < n - 1; i++)
        total += (r[i].x - r[0].x) * (r[i + 1].y - r[0].y) - (r[i + 1].x - r[0].x) * (r[i].y - r[0].y);
    return total;
}

static int meet(const Place *r, const i64 *following, i64 i, i64 j) {
    i64 ni = following[i], nj = following[j];
    Place a = r[i], b = r[ni], c = r[j], d = r[nj];
    if (MIN(c.x, d.x) > MAX(a.x, b.x) || MAX(c.x, d.x) < MIN(a.x, b.x) || MIN(c.y, d.y) > MAX(a.y, b.y) || MAX(c.y, d.y) < MIN(a.y, b.y))
        return 0;
    if (ni == j || nj == i) return 0;
    i64 d1 = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x), d2 = (b.x - a.x) * (d.y - a.y) - (b.y - a.y) * (d.x - a.x);
    i64 d3 = (d.x - c.x) * (a.y - c.y) - (d.y - c.y) * (a.x - c.x), d4 = (d.x - c.x) * (b.y - c.y) - (d.y - c.y) * (b.x - c.x);
    return !((d1 > 0 && d2 > 0) || (d1 < 0 && d2 < 0) || (d3 > 0 && d4 > 0) || (d3 < 0 && d4 < 0));
}
static int by_west(const void *a, const void *b) {
    i64 x = ((const Edge *)a)->west, y = ((const Edge *)b)->west;
    return (x > y) - (x < y);
}

static int edges_meet(const Place *r, const i64 *starts, i64 count) {
    i64 n = starts[count];
    ROOM(following, i64, n);
    for (i64 k = 0; k < count; k++) {
        for (i64 i = starts[k]; i < starts[k + 1]; i++) following[i] = i + 1;
        following[starts[k + 1] - 1] = starts[k];
    }
    if (n <= FEW) {
        for (i64 i = 0; i < n - 1; i++)
            for (i64 j = i + 1; j < n; j++)
                if (meet(r, following, i, j)) return 1;
        return 0;
    }
    i64 north = r[0].y, south = r[0].y;
    for (i64 i = 0; i < n; i++) north = MIN(north, r[i].y), south = MAX(south, r[i].y);
    i64 bands = MAX(1, (i64)sqrt((double)n / 16.0)), height = (south - north) / bands + 1;
    ROOM(begins, i64, bands + 2);
    memset(begins, 0, (size_t)(bands + 2) * sizeof(i64));
#define BANDS(i) i64 top = MIN(r[i].y, r[following[i]].y), bottom = MAX(r[i].y, r[following[i]].y); \
    for (i64 band = (top - north) / height; band <= (bottom - north) / height; band++)
    for (i64 i = 0; i < n; i++) { BANDS(i) begins[band + 2]++; }
    for (i64 band = 0; band <= bands; band++) begins[band + 1] += begins[band];
    ROOM(edges, Edge, begins[bands + 1]);
    for (i64 i = 0; i < n; i++) { BANDS(i) edges[begins[band + 1]++] = (Edge){MIN(r[i].x, r[following[i]].x), i}; }
    i64 pairs = 0;
    for (i64 band = 0; band < bands; band++) {
        Edge *mine = edges + begins[band];
        i64 m = begins[band + 1] - begins[band];
        qsort(mine, (size_t)m, sizeof(Edge), by_west);
        for (i64 a = 0; a < m - 1; a++) {
            i64 i = mine[a].edge, east = MAX(r[i].x, r[following[i]].x);
            for (i64 b = a + 1; b < m && mine[b].west <= east; b++) {
                pairs++;
                if (meet(r, following, i, mine[b].edge)) return 1;
            }
            if (pairs > MOST_PAIRS) return 1;
        }
    }
    return 0;
}

static int holds(const Place *r, const i64 *starts, i64 outer, i64 inner) {
    Place p = r[starts[inner]];
    int within = 0;
    for (i64 i = starts[outer], j = starts[outer + 1] - 1; i < starts[outer + 1]; j = i++)
        if ((r[i].y > p.y) != (r[j].y > p.y) &&
            (((r[j].x - r[i].x) * (p.y - r[i].y) - (p.x - r[i].x) * (r[j].y - r[i].y)) > 0) == (r[j].y > r[i].y))
            within = !within;
    return within;
}

static int nested_well(const Place *r, const i64 *starts, const uint8_t *shells, i64 count) {
    ROOM(boxes, i64, 4 * count);
    ROOM(part, i64, count);
    ROOM(held, uint8_t, count);
    ROOM(order, Edge, count);
    for (i64 k = 0; k < count; k++) {
        part[k] = shells[k] || k == 0 ? k : part[k - 1];
        held[k] = shells[k];
        i64 *b = boxes + 4 * k;
        b[0] = b[2] = r[starts[k]].x, b[1] = b[3] = r[starts[k]].y;
        for (i64 i = starts[k] + 1; i < starts[k + 1]; i++)
            b[0] = MIN(b[0], r[i].x), b[2] = MAX(b[2], r[i].x), b[1] = MIN(b[1], r[i].y), b[3] = MAX(b[3], r[i].y);
        order[k] = (Edge){b[0], k};
    }
    qsort(order, (size_t)count, sizeof(Edge), by_west);
    for (i64 a = 0; a < count - 1; a++) {
        i64 p = order[a].edge;
        for (i64 b = a + 1; b < count; b++) {
            i64 q = order[b].edge;
            if (boxes[4 * q] > boxes[4 * p + 2]) break;
            if (boxes[4 * q + 1] > boxes[4 * p + 3] || boxes[4 * q + 3] < boxes[4 * p + 1]) continue;
            if (part[p] != part[q]) {
                if (shells[p] && shells[q] && (holds(r, starts, p, q) || holds(r, starts, q, p))) return 0;
            } else if (shells[p] || shells[q]) {
                i64 shell = shells[p] ? p : q, hole = shells[p] ? q : p;
                if (holds(r, starts, shell, hole)) held[hole] = 1;
            } else if (holds(r, starts, p, q) || holds(r, starts, q, p)) return 0;
        }
    }
    for (i64 k = 0; k < count; k++) if (!held[k]) return 0;
    return 1;
}

static int are_sound(const Place *r, const i64 *starts, const uint8_t *shells, i64 count) {
    if (count == 1 && starts[1] == 3) return 1;
    return !edges_meet(r, starts, count) && (count == 1 || nested_well(r, starts, shells, count));
}

static int cut(Place *a, Place *b, i64 low, i64 high) {
#define WITHIN(p) (low <= (p).x && (p).x <= high && low <= (p).y && (p).y <= high)
    if (WITHIN(*a) && WITHIN(*b)) return 1;
    double t0 = 0, t1 = 1, dx = (double)(b->x - a->x), dy = (double)(b->y - a->y);
    double p[4] = {-dx, dx, -dy, dy}, q[4] = {(double)(a->x - low), (double)(high - a->x), (double)(a->y - low), (double)(high - a->y)};
    for (int side = 0; side < 4; side++) {
        if (p[side] == 0) {
            if (q[side] < 0) return 0;
            continue;
        }
        double r = q[side] / p[side];
        if (p[side] < 0) t0 = MAX(t0, r); else t1 = MIN(t1, r);
        if (t0 > t1) return 0;
    }
    Place s = *a;
    if (t0 > 0) a->x = (i64)rint((double)s.x + t0 * dx), a->y = (i64)rint((double)s.y + t0 * dy);
    if (t1 < 1) b->x = (i64)rint((double)s.x + t1 * dx), b->y = (i64)rint((double)s.y + t1 * dy);
    return 1;
}

static uint8_t *line_commands(uint8_t *at, Place *pen, const Place *line, i64 n) {
    if (n < 2) return at;
    at = step(varint(at, 9), line[0].x - pen->x, line[0].y - pen->y);
    at = varint(at, (uint64_t)((n - 1) << 3 | 2));
    for (i64 i = 1; i < n; i++) at = step(at, line[i].x - line[i - 1].x, line[i].y - line[i - 1].y);
    *pen = line[n - 1];
    return at;
}
static uint8_t *ring_commands(uint8_t *at, Place *pen, const Place *ring, i64 n, int backwards) {
    i64 i = backwards ? n - 1 : 0, stride = backwards ? -1 : 1;
    at = step(varint(at, 9), ring[i].x - pen->x, ring[i].y - pen->y);
    at = varint(at, (uint64_t)((n - 1) << 3 | 2));
    for (i64 k = 0; k < n - 1; k++, i += stride) at = step(at, ring[i + stride].x - ring[i].x, ring[i + stride].y - ring[i].y);
    *at++ = 15;
    *pen = ring[i];
    return at;
}

static uint8_t *draw_points(const Columns *c, uint8_t *at, Place *kept, i64 first, i64 end, const Frame *f, int whole) {
    i64 half = ((i64)1 << f->bits) >> 1, n = 0;
    for (i64 v = first; v < end; v++) {
        Place p = {(((i64)c->x[v] - f->origin_x) * f->extent + half) >> f->bits, (((i64)c->y[v] - f->origin_y) * f->extent + half) >> f->bits};
        if ((n && same(kept[n - 1], p)) || (f->mercator && (c->y[v] == 0 || c->y[v] == LAST))) continue;
        if (whole || (f->low <= p.x && p.x <= f->high && f->low <= p.y && p.y <= f->high)) kept[n++] = p;
    }
    if (!n) return at;
    at = varint(at, (uint64_t)(n << 3 | 1));
    Place pen = {0, 0};
    for (i64 i = 0; i < n; pen = kept[i++]) at = step(at, kept[i].x - pen.x, kept[i].y - pen.y);
    return at;
}
static uint8_t *draw_lines(const Columns *c, uint8_t *at, Place *line, Place *piece, i64 first, i64 end, const Frame *f, int whole, int *met) {
    Place pen = {0, 0};
    *met = whole;
    for (i64 path = first; path < end; path++) {
        i64 n = place(c, c->path_vertices[path], c->path_vertices[path + 1], f, line), begun = 0;
        if (whole) {
            at = line_commands(at, &pen, line, n);
            continue;
        }
        for (i64 i = 0; i < n - 1; i++) {
            Place a = line[i], b = line[i + 1];
            if (!cut(&a, &b, f->low, f->high)) {
                at = line_commands(at, &pen, piece, begun);
                begun = 0;
                continue;
            }
            *met = 1;
            if (begun && !same(piece[begun - 1], a)) at = line_commands(at, &pen, piece, begun), begun = 0;
            if (!begun) piece[0] = a, begun = 1;
            if (!same(a, b)) piece[begun++] = b;
        }
        at = line_commands(at, &pen, piece, begun);
    }
    return at;
}

/* Bytes of the features, in *out; their length. counters: drawn, too small, not yet; doubtful counts polygons whose rings meet, which are left out. */
i64 encode(const Columns *c, const i64 *chosen, i64 n_chosen, const i64 *inner, const Frame *f, i64 *counters, uint8_t **out,
           int32_t **used_out, i64 *n_used_out, i64 *doubtful) {
    static void *out_buffer, *used_buffer;
    static size_t out_size, used_size;
    size_t at = 0;
    i64 n_used = 0;
    i64 tag_values[256];
    *doubtful = 0;
    for (i64 k = 0; k < n_chosen; k++) {
        i64 number = chosen[k];
        if (c->first_zoom[number] > f->zoom) {
            counters[NOT_YET]++;
            continue;
        }
        const uint32_t *box = c->boxes[number];
        if (f->mercator && (box[3] == 0 || box[1] == LAST)) continue;
        i64 first = c->feature_paths[number], end = c->feature_paths[number + 1];
        i64 vertices = c->path_vertices[end] - c->path_vertices[first];
        ROOM(ring, Place, 6 * vertices + 16);
        ROOM(other, Place, 6 * vertices + 16);
        ROOM(geometry, uint8_t, 48 * vertices + 64);
        int whole = box[0] >= inner[0] && box[2] <= inner[2] && box[1] >= inner[1] && box[3] <= inner[3], met = whole;
        uint8_t *done = geometry;
        if (c->kinds[number] == POINTS) done = draw_points(c, geometry, ring, c->path_vertices[first], c->path_vertices[end], f, whole);
        else if (c->kinds[number] == LINES) done = draw_lines(c, geometry, ring, other, first, end, f, whole, &met);
        else if (c->kinds[number] == POLYGONS) {
            i64 count = 0;
            int shell_drawn = 0;
            ROOM(rings, Place, 7 * vertices + 64);
            ROOM(starts, i64, end - first + 1);
            ROOM(shells, uint8_t, end - first);
            starts[0] = 0;
            for (i64 path = first; path < end; path++) {
                int shell = c->path_roles[path] == 1;
                if (!shell && !shell_drawn) continue;
                i64 n = place(c, c->path_vertices[path], c->path_vertices[path + 1], f, ring);
                if (!whole) n = clip(ring, other, n, f->low, f->high), met |= n >= 3;
                n = tidy(ring, n);
                if (shell) shell_drawn = n >= 3;
                if (n < 3) continue;
                memcpy(rings + starts[count], ring, (size_t)n * sizeof(Place));
                shells[count] = (uint8_t)shell;
                starts[count + 1] = starts[count] + n;
                count++;
            }
            if (count && f->checked && !are_sound(rings, starts, shells, count)) {
                ++*doubtful;
                continue;
            }
            done = geometry = room(&geometry_buffer, &geometry_size, (size_t)(24 * (starts[count] + 2 * count) + 64));
            Place pen = {0, 0};
            for (i64 r = 0; r < count; r++) {
                const Place *one = rings + starts[r];
                i64 n = starts[r + 1] - starts[r];
                done = ring_commands(done, &pen, one, n, (area(one, n) > 0) != (shells[r] != 0));
            }
        }
        i64 size = done - geometry;
        if (size == 0) {
            counters[TOO_SMALL] += met;
            continue;
        }
        int32_t *used = room(&used_buffer, &used_size, (size_t)(n_used + c->properties) * sizeof(int32_t));
        i64 pairs = 0, tag_size = 0;
        for (i64 p = 0; p < c->properties; p++) {
            int32_t code = c->codes[number * c->properties + p];
            tag_values[p] = -1;
            if (code < 0) continue;
            if (c->remap[code] < 0) c->remap[code] = (int32_t)n_used, used[n_used++] = code;
            tag_values[p] = c->remap[code];
            tag_size += varint_length((uint64_t)p) + varint_length((uint64_t)tag_values[p]);
            pairs++;
        }
        i64 fid = c->fids[number], body = (fid >= 0 ? 1 + varint_length((uint64_t)fid) : 0) + 3 + varint_length((uint64_t)size) + size;
        if (pairs) body += 1 + varint_length((uint64_t)tag_size) + tag_size;
        uint8_t *to = (uint8_t *)room(&out_buffer, &out_size, at + (size_t)(tag_size + size + 64)) + at;
        *to++ = 0x12, to = varint(to, (uint64_t)body);
        if (fid >= 0) *to++ = 0x08, to = varint(to, (uint64_t)fid);
        if (pairs) {
            *to++ = 0x12, to = varint(to, (uint64_t)tag_size);
            for (i64 p = 0; p < c->properties; p++)
                if (tag_values[p] >= 0) to = varint(varint(to, (uint64_t)p), (uint64_t)tag_values[p]);
        }
        *to++ = 0x18, *to++ = c->kinds[number], *to++ = 0x22;
        to = varint(to, (uint64_t)size);
        memcpy(to, geometry, (size_t)size);
        at = (size_t)(to + size - (uint8_t *)out_buffer);
        counters[DRAWN]++;
    }
    for (i64 i = 0; i < n_used; i++) c->remap[((int32_t *)used_buffer)[i]] = -1;
    *out = out_buffer, *used_out = used_buffer, *n_used_out = n_used;
    return (i64)at;
}

/* The values of a layer's table, in *out; their length. */
i64 gather(const Columns *c, const int32_t *used, i64 n, uint8_t **out) {
    static void *buffer;
    static size_t size;
    i64 total = 0, at = 0;
    for (i64 i = 0; i < n; i++) total += c->value_starts[used[i] + 1] - c->value_starts[used[i]];
    uint8_t *to = room(&buffer, &size, (size_t)total + 1);
    for (i64 i = 0; i < n; i++) {
        i64 first = used[i], last = first;
        while (i + 1 < n && used[i + 1] == last + 1) i++, last++;
        i64 length = c->value_starts[last + 1] - c->value_starts[first];
        memcpy(to + at, c->value_bytes + c->value_starts[first], (size_t)length);
        at += length;
    }
    *out = to;
    return at;
}
