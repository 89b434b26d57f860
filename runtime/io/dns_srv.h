/* dns_srv: the answer section of a DNS message that was asked for SRV records (RFC 1035 section 4.1, RFC 2782). */
#ifndef IO_DNS_SRV_H
#define IO_DNS_SRV_H

#include "io/dns.h"

enum { DNS_TYPE_SRV = 33 };

/* Adds the records and sets the ttl, of at least a second. False: the message is malformed; what was added before
 * that stays. A service that is decidedly not there (its host is the root) adds nothing. */
bool dns_srv_read(struct dns_question *question, const unsigned char *message, int len);

#endif
