package terraform

import (
	"fmt"
	"math/big"
	"regexp"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Writes values of a config as literals of HCL. A literal must read back as the same value, which
// excludes what HCL cannot express (unknown values, infinity), and what would depend on the
// reader (marks, null). Errors complete the sentence "argument x …".

// checkValue rejects values that would not read back as the same value, or that make hclwrite
// panic.
func checkValue(v cty.Value) error {
	if v == cty.NilVal {
		return fmt.Errorf("has no value")
	}
	return cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		switch {
		case v.IsMarked():
			return false, fmt.Errorf("holds a marked value")
		case !v.IsKnown():
			return false, fmt.Errorf("holds an unknown value")
		case v.IsNull():
			return false, fmt.Errorf("holds a null value; leave it out")
		case v.Type() == cty.String:
			return true, checkString(v.AsString())
		case v.Type() == cty.Number:
			return true, checkNumber(v.AsBigFloat())
		case v.Type() == cty.Bool || v.Type().IsCollectionType() || v.Type().IsTupleType() || v.Type().IsObjectType():
			return true, checkKeys(v)
		}
		return false, fmt.Errorf("is of type %s, which has no literal", v.Type().FriendlyName())
	})
}

// checkString does not check for NFC: cty normalizes every string, as Terraform does when it
// reads the file.
func checkString(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("is not valid UTF-8")
	}
	return nil
}

func checkNumber(number *big.Float) error {
	if number.IsInf() {
		return fmt.Errorf("is infinite")
	}
	// HCL reads numbers with 512 bits. A number that was computed with more digits would change.
	again, err := cty.ParseNumberVal(number.Text('f', -1))
	if err != nil || again.AsBigFloat().Cmp(number) != 0 {
		return fmt.Errorf("cannot be written exactly")
	}
	return nil
}

func checkKeys(v cty.Value) error {
	if v.Type().IsObjectType() {
		for name := range v.Type().AttributeTypes() {
			if err := checkString(name); err != nil {
				return err
			}
		}
	}
	if v.Type().IsMapType() {
		for it := v.ElementIterator(); it.Next(); {
			key, _ := it.Element()
			if err := checkString(key.AsString()); err != nil {
				return err
			}
		}
	}
	return nil
}

// plainKey matches object keys that need no quotes. Terraform's keywords need them.
var plainKey = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// In an object, { for ... } begins a for expression, and true, false and null would be read as
// values and not as names.
var syntaxWord = map[string]bool{"for": true, "in": true, "if": true, "true": true, "false": true, "null": true}

// tokens returns the tokens of a checked value. Strings and names come from hclwrite, which
// escapes them. Maps are written here: hclwrite writes a key such as "for" without quotes, which
// would change the meaning of the map.
func tokens(v cty.Value) hclwrite.Tokens {
	switch typ := v.Type(); {
	case typ.IsMapType() || typ.IsObjectType():
		var attrs []hclwrite.ObjectAttrTokens
		for it := v.ElementIterator(); it.Next(); {
			key, elem := it.Element()
			attrs = append(attrs, hclwrite.ObjectAttrTokens{Name: keyTokens(key.AsString()), Value: tokens(elem)})
		}
		if len(attrs) == 0 {
			return hclwrite.TokensForValue(cty.EmptyObjectVal)
		}
		return hclwrite.TokensForObject(attrs)
	case typ.IsListType() || typ.IsSetType() || typ.IsTupleType():
		return listTokens(v)
	}
	return hclwrite.TokensForValue(v)
}

func keyTokens(key string) hclwrite.Tokens {
	if plainKey.MatchString(key) && !syntaxWord[key] {
		return hclwrite.TokensForIdentifier(key)
	}
	return hclwrite.TokensForValue(cty.StringVal(key))
}

// listTokens writes a list with several items one per line, so that a diff shows the changed
// item.
func listTokens(v cty.Value) hclwrite.Tokens {
	var items []hclwrite.Tokens
	for it := v.ElementIterator(); it.Next(); {
		_, elem := it.Element()
		items = append(items, tokens(elem))
	}
	if len(items) < 2 {
		return hclwrite.TokensForTuple(items)
	}
	newline := &hclwrite.Token{Type: hclsyntax.TokenNewline, Bytes: []byte{'\n'}}
	list := hclwrite.Tokens{{Type: hclsyntax.TokenOBrack, Bytes: []byte{'['}}, newline}
	for _, item := range items {
		list = append(list, item...)
		list = append(list, &hclwrite.Token{Type: hclsyntax.TokenComma, Bytes: []byte{','}}, newline)
	}
	return append(list, &hclwrite.Token{Type: hclsyntax.TokenCBrack, Bytes: []byte{']'}})
}

// sameValue reports whether a parsed literal has the intended value. A literal list is a tuple
// and a literal map an object; Terraform converts them to the variable's type, and so does
// sameValue.
func sameValue(read, meant cty.Value) bool {
	if read.RawEquals(meant) {
		return true
	}
	converted, err := convert.Convert(read, meant.Type())
	return err == nil && converted.RawEquals(meant) && sameSize(read, meant)
}

// sameSize detects items that a conversion drops, such as duplicates in a set.
func sameSize(a, b cty.Value) bool {
	if !a.CanIterateElements() || !b.CanIterateElements() {
		return a.CanIterateElements() == b.CanIterateElements() && a.Type().Equals(b.Type())
	}
	return a.LengthInt() == b.LengthInt()
}
