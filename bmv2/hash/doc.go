// Package hash computes what BMv2 calls calculations: the hash and checksum
// algorithms a BMv2 program may name, with BMv2's results bit for bit.
//
//	name                     bits  result
//	crc16                     16   CRC-16/ARC       poly 8005, reflected
//	crc32                     32   CRC-32/ISO-HDLC  poly 04c11db7, reflected, inverted
//	crcCCITT                  16   CRC-16/CCITT-FALSE, poly 1021, initially ffff
//	csum16, cksum16           16   RFC 1071 ones' complement checksum
//	xor16, xor32           16, 32  big-endian words xored, the last one padded right
//	identity                  64   the first eight bytes, big-endian
//	xxh64, bmv2_hash          64   XXH64 with seed 0
//	hash_ex                   32   FNV-1a with a final mix, bytes as signed char
//	toeplitz                  32   Microsoft RSS hash; the key is settable
//	crc{8,16,32,64}_custom         any CRC; parameters are settable
//	round_robin               64   0, 1, 2, … whatever the input
//	round_robin_consistent    64   the same for the same input
//	random                    64   a seeded generator, whatever the input
//
// The bytes hashed are a field list as the deparser would write it, without
// padding between fields; making them is the caller's business, as are modulo
// and base of v1model's hash(). Nothing here draws entropy or keeps global
// state: a [Hash] with state carries it.
package hash
