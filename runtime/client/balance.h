/* balance: the ways to choose one of an upstream's targets. All of them take a target as often as its weight says,
 * none that is drained (but for balance_sticky), tried or not well, and NULL when that leaves nobody. Each worker keeps its own turns;
 * what is under way and how long answers took is known of all workers (client/share.h). */
#ifndef CLIENT_BALANCE_H
#define CLIENT_BALANCE_H

#include "client/target.h"

/* Smooth weighted round robin, as nginx has it: turns are spread as evenly as the weights allow. */
struct target *balance_in_turn(struct upstream *upstream, const struct pick *pick);

/* The one with the fewest requests under way for its weight; in turn among equals. */
struct target *balance_least_conn(struct upstream *upstream, const struct pick *pick);

/* Two by chance, and of them the less busy one for its weight (M. Mitzenmacher, The Power of Two Choices in
 * Randomized Load Balancing, 2001). */
struct target *balance_random(struct upstream *upstream, const struct pick *pick);

/* Always the same one for the same key, as long as it has no more than 5/4 of its share of what is under way, or less
 * than eight requests: weighted rendezvous hashing (C. Schindelhauer, G. Schomaker, Weighted Distributed Hash Tables, 2005) with
 * bounded loads (V. Mirrokni and others, Consistent Hashing with Bounded Loads, 2016). When a target comes or goes,
 * only its own keys move. */
struct target *balance_hash(struct upstream *upstream, const struct pick *pick);

/* Two by chance, and of them the one with the lower latency, a moving average that follows peaks at once and forgets
 * them within 10 s, times what is under way there (Finagle's peak EWMA). */
struct target *balance_peak_ewma(struct upstream *upstream, const struct pick *pick);

/* The one that pick->wanted names, unless it is sick, was tried or has no weight; a drained one keeps its own clients
 * (as HAProxy and nginx have it). NULL: another one has to be chosen. */
struct target *balance_sticky(struct upstream *upstream, const struct pick *pick);

/* An answer's head took this long: for balance_peak_ewma. */
void balance_observe(struct target_share *share, uint64_t now, uint64_t us);

/* A hash that is the same in every process; keys are not secret, and a client that knows it gains a place, no more. */
uint64_t balance_hash_of(struct str key);

#endif
