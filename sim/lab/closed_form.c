/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim/lab/closed_form.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_lambert.h>

/* ---- one server, and room without end ---- */

/* Pollaczek and Khinchine: the work that an arrival finds is lambda E[S^2] / 2 (1 - rho), with E[S^2] = s^2 (1 + cv^2).
 * (Kleinrock, Queueing Systems I, 5.6.) */
static double mg1_sojourn(const double *a)
{
    double gap = a[0], service = a[1], cv = a[2] / 100, rho = service / gap;

    return service + service * rho * (1 + cv * cv) / (2 * (1 - rho));
}

static double md1_sojourn(const double *a)
{
    return mg1_sojourn((const double[]){ a[0], a[1], 0 });
}

static double mm1_sojourn(const double *a)
{
    return mg1_sojourn((const double[]){ a[0], a[1], 100 });
}

/* G/M/1 with even arrivals: an arrival waits with probability sigma, the root below 1 of sigma = A*(mu (1 - sigma)),
 * here exp(-(1 - sigma) gap / service); the sojourn is s / (1 - sigma). (Kleinrock I, 6.4.) With r = gap / service and
 * w = -r sigma this is w e^w = -r e^-r: the principal branch of Lambert's W, since r > 1. */
static double dm1_sojourn(const double *a)
{
    double r = a[0] / a[1];
    double sigma = -gsl_sf_lambert_W0(-r * exp(-r)) / r;

    return a[1] / (1 - sigma);
}

/* ---- one server, and slots in all, the one being served included ---- */

/* M/M/1/K: P(n) proportional to rho^n for n = 0..K. Arrivals see time averages, so P(K) of them are lost. */
static double mm1k_p(double rho, int n, int slots)
{
    double sum = 0;

    for (int k = 0; k <= slots; k++)
        sum += pow(rho, k - n);
    return 1 / sum;
}

static double mm1k_loss(const double *a)
{
    return mm1k_p(a[1] / a[0], (int)a[2], (int)a[2]);
}

/* Little's law over those who get in. */
static double mm1k_sojourn(const double *a)
{
    int slots = (int)a[2];
    double rho = a[1] / a[0], inside = 0;

    for (int n = 1; n <= slots; n++)
        inside += n * mm1k_p(rho, n, slots);
    return inside * a[0] / (1 - mm1k_loss(a));
}

/* M/D/1/K by the chain of what a departure leaves behind, 0..K-1: from n it leads to max(n, 1) - 1 + (Poisson of rho
 * arrivals), cut at K - 1. Its first K equations are those of the chain without end, so pi(n + 1) follows from
 * pi(0..n) up to a factor. A cycle between departures lasts s, and gap more if nobody was left: throughput is
 * 1 / (s + pi(0) gap), and what does not get through is lost: 1 - 1 / (rho + pi(0)). (Gross and Harris,
 * Fundamentals of Queueing Theory, 5.1.8.) */
static double md1k_loss(const double *a)
{
    int slots = (int)a[2];
    double rho = a[1] / a[0], sum = 0;
    double *pi = calloc((size_t)slots + 1, sizeof *pi);

    if (!pi)
        return NAN;
    pi[0] = 1;
    for (int n = 0; n < slots; n++) {
        double next = pi[n] - pi[0] * gsl_ran_poisson_pdf((unsigned)n, rho);
        for (int k = 1; k <= n; k++)
            next -= pi[k] * gsl_ran_poisson_pdf((unsigned)(n - k + 1), rho);
        pi[n + 1] = next / gsl_ran_poisson_pdf(0, rho);
        sum += pi[n];
    }
    free(pi);
    return 1 - 1 / (rho + 1 / sum);
}

/* ---- even arrivals, even work: the ring as a token bucket ---- */

/* A slot comes back with every departure, and the server, once it has work, is never idle: at the last arrival
 * (frames - 1) gap / service have left, and so many and `slots` more got in. A driver that refills by `batch` gives slots
 * back in whole batches, of which the last is used only as far as frames have come since. (service > gap: more than a
 * batch comes between two refills.) */
static double burst_loss(const double *a)
{
    double frames = a[0], gap = a[1], service = a[2], slots = a[3], batch = a[4];
    double refills = floor((frames - 1) * gap / service / batch);
    double since = frames - ceil(refills * batch * service / gap);
    double in = slots + batch * refills;

    if (refills > 0)
        in = fmin(in, in - batch + since);
    return fmax(0, frames - in);
}

/* D tokens, returned at the rate m = 1 / service and taken at the rate 1 / gap: D / (1 - gap / service) frames find one.
 * (published.md: the ring as a token bucket, after Wu et al.) Whole tokens: frame n (from 0) is the first that
 * finds none if n = D + floor(n gap / service). */
static double bucket_frames(const double *a)
{
    double gap = a[0], service = a[1], slots = a[2];
    double n = slots;

    while (n < slots + floor(n * gap / service))
        n = slots + floor(n * gap / service);
    return n;
}

/* What enters a full ring has D departures before its own end. */
static double bucket_wait(const double *a)
{
    return a[1] * a[0];
}

/* ---- the wire and the bus ---- */

/* Preamble and gap are 20 bytes (IEEE 802.3). Frames start at 0, slot, 2 slot .. before `time`. */
static double line_frames(const double *a)
{
    double slot = (a[0] + 20) * 8 / a[1];

    return ceil(a[2] / slot);
}

/* A frame without its FCS in TLPs of at most 256 bytes, 24 bytes of header each, and one more for the descriptor of 16
 * bytes: gen3 x8 at 57.88 Gbit/s (Neugebauer et al., SIGCOMM 2018). Back to back for `time`. */
static double pcie_frames(const double *a)
{
    double data = a[0] - 4, total = data + 24 * ceil(data / 256) + 16 + 24;

    return floor(a[1] / (total * 8 / 57.88));
}

/* ---- moderation without work: Poisson arrivals, all taken by the interrupt ----
 *
 * An interrupt ends a cycle of X frames, and cycles are independent. n frames need n / E[X] cycles and, because the last
 * one is cut, E[X (X - 1)] / 2 E[X]^2 more: the constant of the discrete renewal theorem (Feller I, XIII.10). */
static double renewals(double frames, double mean, double pairs)
{
    return frames / mean + pairs / (2 * mean * mean);
}

/* A timer from the first frame: a = lambda T more come, each waiting T / 2 on average. X = 1 + Poisson(a). */
static double timer_irqs(const double *a)
{
    double more = a[2] / a[1];

    return renewals(a[0], 1 + more, 2 * more + more * more);
}

static double timer_wait(const double *a)
{
    double more = a[1] / a[0];

    return (a[1] + more * a[1] / 2) / (1 + more);
}

/* N frames: the first waits for N - 1 gaps, the last for none. */
static double count_irqs(const double *a)
{
    return ceil(a[0] / a[1]);
}

static double count_wait(const double *a)
{
    return (a[1] - 1) / 2 * a[0];
}

/* Whichever comes first: X = min(1 + Poisson(lambda T), N). Sums over P(X > k): E[X] of them, E[X (X - 1)] of 2 k times
 * them. */
static double either_irqs(const double *a)
{
    double mean = 1, pairs = 0;

    for (unsigned k = 1; k < (unsigned)a[3]; k++) {
        double longer = gsl_cdf_poisson_Q(k - 1, a[2] / a[1]);
        mean += longer;
        pairs += 2 * k * longer;
    }
    return renewals(a[0], mean, pairs);
}

/* A least gap T: the first frame does not wait; then one interrupt each T, and where nothing came meanwhile the next
 * frame is not made to wait either. X is Poisson(a), but 1 for 0: a + exp(-a) frames, of which a wait T / 2. */
static double throttle_irqs(const double *a)
{
    double more = a[2] / a[1];

    return 1 + renewals(a[0] - 1, more + exp(-more), more * more);
}

static double throttle_wait(const double *a)
{
    double more = a[1] / a[0];

    return more * a[1] / 2 / (more + exp(-more));
}

/* Even arrivals closer than T: an interrupt each T from the first frame on, one more for what came after the last. */
static double throttle_even_irqs(const double *a)
{
    return 1 + ceil((a[0] - 1) * a[1] / a[2]);
}

/* A poll each period: half of it on average, over random arrivals. */
static double poll_wait(const double *a)
{
    return a[0] / 2;
}

static double poll_count(const double *a)
{
    return a[0] * a[1] / a[2];
}

/* ---- interrupts before everything else: what is left for the protocol (Salah and El-Badawi 2003 ff.) ---- */

/* Reads until the last arrival, if this share of the reader's CPU is left from the time of the first interrupt on. A read
 * counts when its work begins: half a one more than has been worked on. */
static double reads(double frames, double time, double app, double share, double first)
{
    return share > 0 ? fmin(frames, share * (time - first) / app + 0.5) : 0;
}

static double read_rate(double frames, double gap, double app, double share, double first)
{
    double time = (frames - 1) * gap;

    return 1e9 * reads(frames, time, app, share, first) / time;
}

/* Every arrival takes `isr`: l / r of the CPU, and nothing is left at l = r. */
static double salah_reads(const double *a)
{
    double frames = a[0], gap = a[1], isr = a[2], app = a[3];

    return reads(frames, (frames - 1) * gap, app, 1 - isr / gap, isr);
}

/* Arrivals during the interrupt share it: idle for a gap, then busy for `isr`, so r / (l + r) is left. */
static double salah_shared_rate(const double *a)
{
    double frames = a[0], gap = a[1], isr = a[2], app = a[3];

    return read_rate(frames, gap, app, gap / (gap + isr), isr);
}

/* One interrupt for N arrivals: l / N for l. */
static double salah_count_rate(const double *a)
{
    double frames = a[0], gap = a[1], isr = a[2], app = a[3], n = a[4];

    return read_rate(frames, gap, app, n * gap / (n * gap + isr), (n - 1) * gap + isr);
}

/* One interrupt at T after the first: l / (1 + l T) for l. */
static double salah_timer_rate(const double *a)
{
    double frames = a[0], gap = a[1], isr = a[2], app = a[3], timer = a[4];

    return read_rate(frames, gap, app, (gap + timer) / (gap + timer + isr), timer + isr);
}

/* One interrupt each T. */
static double salah_throttle_reads(const double *a)
{
    double frames = a[0], gap = a[1], isr = a[2], app = a[3], timer = a[4];

    return reads(frames, (frames - 1) * gap, app, 1 - isr / timer, isr);
}

/* ---- NAPI ---- */

/* Overload: no interrupts, each poll takes `poll` and then w frames: 1 / (c + p / w). Up to the last arrival, the poll
 * that is not over counted as far as it got. */
static double napi_reads(const double *a)
{
    double time = (a[0] - 1) * a[1], service = a[2], poll = a[3], weight = a[4];
    double round = poll + weight * service, rounds = floor(time / round);
    double rest = fmax(0, floor((time - rounds * round - poll) / service));

    return weight * rounds + fmin(weight, rest);
}

/* Even arrivals, lead time `isr` from the interrupt to the first frame: after k frames, at isr + k c, the k-th arrival
 * (from 0) at k t has not come for the first time when k > isr / (t - c): so many frames an interrupt. */
static double napi_irqs(const double *a)
{
    double frames = a[0], gap = a[1], service = a[2], isr = a[3];

    return ceil(frames / (floor(isr / (gap - service)) + 1));
}

/* ---- by name ---- */

const struct closed_form closed_form[] = {
    { "mg1_sojourn", "gap service cv", mg1_sojourn, "M/G/1, cv in percent: mean time inside" },
    { "md1_sojourn", "gap service", md1_sojourn, "M/D/1: mean time inside" },
    { "mm1_sojourn", "gap service", mm1_sojourn, "M/M/1: mean time inside" },
    { "dm1_sojourn", "gap service", dm1_sojourn, "D/M/1: mean time inside" },
    { "mm1k_loss", "gap service slots", mm1k_loss, "M/M/1/K: share lost" },
    { "mm1k_sojourn", "gap service slots", mm1k_sojourn, "M/M/1/K: mean time inside of those that get in" },
    { "md1k_loss", "gap service slots", md1k_loss, "M/D/1/K: share lost" },
    { "burst_loss", "frames gap service slots batch", burst_loss, "D/D/1/K: frames lost of a burst" },
    { "bucket_frames", "gap service slots", bucket_frames, "token bucket: frames before the first loss" },
    { "bucket_wait", "service slots", bucket_wait, "token bucket: longest time inside" },
    { "line_frames", "bytes gbps time", line_frames, "frames that start at line rate" },
    { "pcie_frames", "bytes time", pcie_frames, "frames written over PCIe gen3 x8" },
    { "timer_irqs", "frames gap timer", timer_irqs, "coalescing by a timer: interrupts" },
    { "timer_wait", "gap timer", timer_wait, "coalescing by a timer: mean wait" },
    { "count_irqs", "frames count", count_irqs, "coalescing by count: interrupts" },
    { "count_wait", "gap count", count_wait, "coalescing by count: mean wait" },
    { "either_irqs", "frames gap timer count", either_irqs, "coalescing by timer and count: interrupts" },
    { "throttle_irqs", "frames gap timer", throttle_irqs, "least gap between interrupts: how many" },
    { "throttle_wait", "gap timer", throttle_wait, "least gap between interrupts: mean wait" },
    { "throttle_even_irqs", "frames gap timer", throttle_even_irqs, "the same under even arrivals: how many" },
    { "poll_wait", "timer", poll_wait, "polling by a timer: mean wait" },
    { "poll_count", "frames gap timer", poll_count, "polling by a timer: polls" },
    { "salah_reads", "frames gap isr app", salah_reads, "an interrupt for each arrival: datagrams read" },
    { "salah_shared_rate", "frames gap isr app", salah_shared_rate, "arrivals share an interrupt: datagrams read a second" },
    { "salah_count_rate", "frames gap isr app count", salah_count_rate, "interrupts by count: datagrams read a second" },
    { "salah_timer_rate", "frames gap isr app timer", salah_timer_rate, "interrupts by timer: datagrams read a second" },
    { "salah_throttle_reads", "frames gap isr app timer", salah_throttle_reads, "throttled interrupts: datagrams read" },
    { "napi_reads", "frames gap service poll weight", napi_reads, "NAPI in overload: datagrams read" },
    { "napi_irqs", "frames gap service isr", napi_irqs, "NAPI under even arrivals: interrupts" },
    { NULL, NULL, NULL, NULL }
};

int closed_form_arguments(const struct closed_form *f)
{
    int n = 1;

    for (const char *c = f->arguments; *c; c++)
        n += *c == ' ';
    return n;
}

const struct closed_form *closed_form_find(const char *name)
{
    for (const struct closed_form *f = closed_form; f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
    }
    return NULL;
}
