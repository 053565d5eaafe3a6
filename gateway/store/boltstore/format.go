package boltstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"pagerd/gateway/page"
	"pagerd/gateway/store"
)

// schema is the format of the file as a whole. It rises when an older program could no longer read what is written.
const schema = 1

// firstNumber is the first page's number: four digits, so that a number in a reply is never mistaken for a verb.
const firstNumber = 1001

// The buckets. Keys are made by the functions below; numbers and instants are big endian, so that what is new is appended.
const (
	inMeta       = iota // name → value, see meta*
	inPages             // number → record of the page
	inGroups            // hash of the group → newest number, open number or 0
	inAlertPages        // alert id → number of its page
	inAlerts            // page number, alert id → record of the alert
	inDue               // instant, kind, number → nothing; every open page is in it, if need be at the end of time
	inOutbox            // delivery key → pending delivery
	inDeliveries        // delivery key → delivery that is not pending any more
	inOddIDs            // id of a delivery that is not "page-n" → delivery key
	inSettled           // instant of settlement, delivery key → nothing
	inBundles           // bundle id → ids of its deliveries
	inTimelines         // object, number → entry
	inIncidents         // number → record of the incident
	inSent              // contact, instant, sequence → record of what was sent
	inExpiry            // instant, kind, number → nothing: hints for Trim, which looks again
	inOps0              // operation id's hash → present; the two take turns, see Trim
	inOps1
	inRecords // letter of the kind, number → record
	bucketCount
)

func bucketName(which int) string {
	return [bucketCount]string{"meta", "pages", "groups", "alert_pages", "alerts", "due", "outbox", "deliveries", "odd_ids",
		"settled", "bundles", "timelines", "incidents", "sent", "expiry", "ops0", "ops1", "records"}[which]
}

// bucket returns one of the buckets, which exist since the file was opened.
func bucket(tx *bolt.Tx, which int) *bolt.Bucket { return tx.Bucket([]byte(bucketName(which))) }

// What is in the meta bucket: unsigned numbers of 8 bytes.
const (
	metaSchema = "schema"
	metaEpoch  = "epoch"  // openings of the file; the upper half of tokens
	metaNumber = "number" // numbers up to this one may have been handed out
	metaHigh   = "high"   // newest instant committed
	metaOps    = "ops"    // which bucket takes operation ids
	metaOpsAt  = "ops_at" // since when
	metaProbe  = "probe"  // written to find out whether writing works
)

// begin makes what is missing in a new file, refuses one of a newer format and counts the opening.
func begin(tx *bolt.Tx) (epoch uint64, err error) {
	if meta := bucket(tx, inMeta); meta != nil {
		if have := readUint(meta.Get([]byte(metaSchema))); have > schema {
			return 0, fmt.Errorf("it has format %d, and this pagerd reads up to %d: use the newer pagerd", have, schema)
		}
	}
	for which := range bucketCount {
		if _, err := tx.CreateBucketIfNotExists([]byte(bucketName(which))); err != nil {
			return 0, fmt.Errorf("make bucket %s: %w", bucketName(which), err)
		}
	}
	meta := bucket(tx, inMeta)
	epoch = readUint(meta.Get([]byte(metaEpoch))) + 1
	if err := meta.Put([]byte(metaSchema), uintKey(schema)); err != nil {
		return 0, fmt.Errorf("write format: %w", err)
	}
	if err := meta.Put([]byte(metaEpoch), uintKey(epoch)); err != nil {
		return 0, fmt.Errorf("write epoch: %w", err)
	}
	return epoch, nil
}

// A value is a format byte, a CRC-32C of all that follows, a head of fixed length for pages, incidents and alerts, and JSON.
const (
	valueFormat = 1
	crcLen      = 5
	headLen     = crcLen + 8 + 8 + 8 + 1 + groupLen
	groupLen    = 16
)

// head is what a commit looks at without decoding the value.
type head struct {
	version int64
	due     int64 // see nanos; never when there is none
	at      int64 // of a page or an incident: when it closed, or never; of an alert: when it was last heard
	open    bool  // not resolved; an alert: firing
	group   [groupLen]byte
}

// indexed reports whether an object with this head is in the due index.
func (h head) indexed() bool { return h.due != never || h.open }

// encodeHeaded encodes a value with a head.
func encodeHeaded(h head, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	b := make([]byte, headLen, headLen+len(body))
	binary.BigEndian.PutUint64(b[crcLen:], uint64(h.version))
	binary.BigEndian.PutUint64(b[crcLen+8:], uint64(h.due))
	binary.BigEndian.PutUint64(b[crcLen+16:], uint64(h.at))
	if h.open {
		b[crcLen+24] = 1
	}
	copy(b[crcLen+25:], h.group[:])
	return seal(append(b, body...)), nil
}

// encode encodes a value without a head.
func encode(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return seal(append(make([]byte, crcLen, crcLen+len(body)), body...)), nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b[crcLen:], crc32.MakeTable(crc32.Castagnoli)) }

func seal(b []byte) []byte {
	b[0] = valueFormat
	binary.BigEndian.PutUint32(b[1:], checksum(b))
	return b
}

// unseal checks a value and returns what follows the checksum.
func unseal(b []byte) ([]byte, error) {
	switch {
	case len(b) < crcLen:
		return nil, fmt.Errorf("%w: %d bytes are too short", store.ErrDamaged, len(b))
	case b[0] != valueFormat:
		return nil, fmt.Errorf("%w: format %d is unknown", store.ErrDamaged, b[0])
	case binary.BigEndian.Uint32(b[1:]) != checksum(b):
		return nil, fmt.Errorf("%w: its checksum does not fit", store.ErrDamaged)
	}
	return b[crcLen:], nil
}

// readHead reads a head; v must not be nil.
func readHead(v []byte) (h head, body []byte, err error) {
	b, err := unseal(v)
	if err != nil {
		return h, nil, err
	}
	if len(b) < headLen-crcLen {
		return h, nil, fmt.Errorf("%w: its head is cut", store.ErrDamaged)
	}
	h.version, h.due, h.at = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint64(b[16:]))
	h.open = b[24] != 0
	copy(h.group[:], b[25:])
	return h, b[headLen-crcLen:], nil
}

// decodeHeaded decodes a value with a head.
func decodeHeaded(v []byte, to any) error {
	_, body, err := readHead(v)
	if err != nil {
		return err
	}
	return decodeJSON(body, to)
}

// decode decodes a value without a head.
func decode(v []byte, to any) error {
	body, err := unseal(v)
	if err != nil {
		return err
	}
	return decodeJSON(body, to)
}

func decodeJSON(body []byte, to any) error {
	if err := json.Unmarshal(body, to); err != nil {
		return fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}
	return nil
}

// never is the instant of what has none; it sorts behind every other.
const never = math.MaxInt64

// nanos returns an instant as nanoseconds since 1970; the zero time is never. Instants that do not fit (before 1678 or
// after 2262) become the nearest that do.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return never
	case t.Year() < 1678:
		return math.MinInt64
	case t.Year() > 2261:
		return never - 1
	}
	return t.UnixNano()
}

func instant(n int64) time.Time {
	if n == never || n == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// sortable makes signed nanoseconds sort as unsigned numbers.
func sortable(n int64) uint64 { return uint64(n) ^ 1<<63 }

func readNanos(b []byte) int64 {
	if len(b) < 8 {
		return math.MinInt64
	}
	return int64(binary.BigEndian.Uint64(b) ^ 1<<63)
}

func readUint(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func uintKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// timeKey is a key of the due and the expiry index.
func timeKey(at int64, kind byte, number int64) []byte {
	k := binary.BigEndian.AppendUint64(make([]byte, 0, 17), sortable(at))
	return binary.BigEndian.AppendUint64(append(k, kind), uint64(number))
}

// The kinds of the due and the expiry index; a record's is its letter, see store.RecordKind.
const (
	kindPage     = 'p'
	kindIncident = 'i'
	kindHistory  = 'h' // expiry: the page itself and its timeline
)

func alertKey(number int64, id string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(id)), uint64(number)), id...)
}

// timelineKey puts the entries of pages in the order of their numbers, so that new ones come last.
func timelineKey(object string, seq int64) []byte {
	k := timelinePrefix(object)
	return binary.BigEndian.AppendUint64(k, uint64(seq))
}

func timelinePrefix(object string) []byte {
	kind, number, _ := strings.Cut(object, "/")
	n, err := strconv.ParseInt(number, 10, 64)
	if canonical := err == nil && n >= 0 && strconv.FormatInt(n, 10) == number; canonical && (kind == "page" || kind == "incident") {
		return binary.BigEndian.AppendUint64(append(make([]byte, 0, 17), kind[0]), uint64(n))
	}
	return append(append(make([]byte, 0, len(object)+10), 'a'), object+"\x00"...)
}

func sentPrefix(contact string) []byte { return append([]byte(contact), 0) }

// deliveryKey returns the key of a delivery by its id, if the id is of the usual form.
func deliveryKey(id string) (key []byte, number int64, ok bool) {
	first, second, _ := strings.Cut(id, "-")
	number, err1 := strconv.ParseInt(first, 10, 64)
	n, err2 := strconv.ParseInt(second, 10, 32)
	if err1 != nil || err2 != nil || number < 0 || n < 0 || page.SendID(number, int(n)) != id {
		return nil, 0, false
	}
	return binary.BigEndian.AppendUint64(uintKey(uint64(number)), uint64(n)), number, true
}

// oddKey is the key of a delivery with another id: behind the usual ones of its page.
func oddKey(number int64, id string) []byte {
	return append(binary.BigEndian.AppendUint64(uintKey(uint64(number)), math.MaxUint64), id...)
}

// deliveryName names a delivery by its key, for errors about one that cannot be read.
func deliveryName(key []byte) string {
	if len(key) > 16 {
		return strconv.Quote(string(key[16:]))
	}
	if len(key) < 16 {
		return fmt.Sprintf("%x", key)
	}
	return page.SendID(int64(readUint(key)), int(readUint(key[8:])))
}

// hasPrefix is bytes.HasPrefix for a cursor's key, which is nil at the end.
func hasPrefix(k, prefix []byte) bool { return k != nil && bytes.HasPrefix(k, prefix) }
