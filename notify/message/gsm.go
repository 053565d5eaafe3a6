package message

import (
	"strings"
	"unicode"

	"pagerd/notify"
)

// gsm replaces what GSM-7 lacks by what reads the same. Letters of scripts for which there is no such reading stay, and the
// message is then sent in UCS-2; a mere symbol never costs a message its length.
func gsm(s string) string {
	if _, ok := notify.GSM(s); ok {
		return s
	}
	greek := strings.ContainsFunc(s, func(c rune) bool { return unicode.Is(unicode.Greek, c) && c != 'μ' && c != 'Ω' && c != 'Δ' })
	var kept, dropped strings.Builder
	script := false
	for _, c := range s {
		r, ok := plain(c, greek)
		if ok {
			kept.WriteString(r)
			dropped.WriteString(r)
			continue
		}
		if unicode.IsLetter(c) || unicode.IsNumber(c) {
			script = true
		}
		if !unicode.In(c, unicode.So, unicode.Sk) {
			kept.WriteRune(c)
		}
	}
	text := dropped.String()
	if script {
		text = kept.String()
	}
	return strings.Join(strings.Fields(text), " ")
}

// plain is the GSM-7 reading of a character; greek says that the text is in Greek, where μ is a letter and not micro.
func plain(c rune, greek bool) (string, bool) {
	if _, ok := notify.GSM(string(c)); ok {
		return string(c), true
	}
	if c >= '！' && c <= '～' { // full-width forms
		return string(c - '！' + '!'), true
	}
	if c >= 0x300 && c <= 0x36f { // accents that follow their letter
		return "", true
	}
	if greek {
		if i := index(greekFrom, c); i >= 0 {
			return string([]rune(greekTo)[i]), true
		}
	}
	if r, ok := symbol(c); ok {
		return r, true
	}
	for _, group := range strings.Fields(latin) {
		if base, variants, _ := strings.Cut(group, ":"); strings.ContainsRune(variants, c) {
			return base, true
		}
	}
	return "", false
}

func symbol(c rune) (string, bool) {
	switch c {
	case '‘', '’', '‚', '‛', '`', '´', 'ʼ', 'ˈ', '′':
		return "'", true
	case '“', '”', '„', '‟', '«', '»', '″':
		return "\"", true
	case '‹':
		return "<", true
	case '›':
		return ">", true
	case '–', '—', '―', '−', '‐', '‑', '‒', '•', '·', '▪', '●':
		return "-", true
	case '…':
		return "...", true
	case '→', '⇒', '➜', '➡':
		return "->", true
	case '←', '⇐':
		return "<-", true
	case '↑':
		return "up", true
	case '↓':
		return "down", true
	case '≥':
		return ">=", true
	case '≤':
		return "<=", true
	case '≠':
		return "!=", true
	case '≈':
		return "~", true
	case '±':
		return "+-", true
	case '∞':
		return "inf", true
	case '÷', '∕', '⁄':
		return "/", true
	case '×':
		return "x", true
	case '¬':
		return "!", true
	case '°', 'º':
		return "deg", true
	case 'ª':
		return "a", true
	case 'µ', 'μ':
		return "u", true
	case '²':
		return "2", true
	case '³':
		return "3", true
	case '¹':
		return "1", true
	case '½':
		return "1/2", true
	case '¼':
		return "1/4", true
	case '¾':
		return "3/4", true
	case '¢':
		return "c", true
	}
	return "", false
}

func index(s string, c rune) int {
	n := 0
	for _, x := range s {
		if x == c {
			return n
		}
		n++
	}
	return -1
}

// Greek is written with the capitals that GSM-7 has and the Latin ones that look the same, as Greek telephones do.
const (
	greekFrom = "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰΑΒΕΖΗΙΚΜΝΟΡΤΥΧΆΈΉΊΌΎΏΪΫ"
	greekTo   = "ABΓΔEZHΘIKΛMNΞOΠPΣTYΦXΨΩΣAEHIOYΩIYIYABEZHIKMNOPTYXAEHIOYΩIY"
)

// latin lists Latin letters by what they are written with where GSM-7 lacks them.
const latin = `a:áâãāăąǎạảấầẩẫậắằẳẵặ A:ÁÀÂÃĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ
c:çćĉċč C:ĆĈĊČ d:ďđð D:ĎĐÐ
e:êëēĕėęěẹẻẽếềểễệ E:ÈÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ
g:ĝğġģǧ G:ĜĞĠĢǦ h:ĥħḥ H:ĤĦḤ
i:íîïĩīĭįıǐỉị I:ÌÍÎÏĨĪĬĮİǏỈỊ j:ĵ J:Ĵ k:ķĸ K:Ķ
l:ĺļľŀł L:ĹĻĽĿŁ n:ńņňŉŋ N:ŃŅŇŊ
o:óôõōŏőơǒọỏốồổỗộớờởỡợ O:ÒÓÔÕŌŎŐƠǑỌỎỐỒỔỖỘỚỜỞỠỢ
r:ŕŗř R:ŔŖŘ s:śŝşšșṣ S:ŚŜŞŠȘṢ t:ţťŧțṭ T:ŢŤŦȚṬ
u:úûũūŭůűųưǔụủứừửữự U:ÙÚÛŨŪŬŮŰŲƯǓỤỦỨỪỬỮỰ
w:ŵẁẃẅ W:ŴẀẂẄ y:ýÿŷỳỵỷỹ Y:ÝŸŶỲỴỶỸ z:źżžẓ Z:ŹŻŽẒ
oe:œ OE:Œ th:þ Th:Þ ss:ẞ fi:ﬁ fl:ﬂ ff:ﬀ`
