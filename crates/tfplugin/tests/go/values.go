package main

import (
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"
)

// A value of go-cty from JSON; attributes that are left out are null.
func toCty(value any, ty cty.Type) (cty.Value, error) {
	if marked, ok := value.(map[string]any); ok {
		if unknown, ok := marked["$unknown"]; ok {
			return refined(unknown, ty), nil
		}
	}
	switch value := value.(type) {
	case nil:
		return cty.NullVal(ty), nil
	case string:
		return cty.StringVal(value), nil
	case bool:
		return cty.BoolVal(value), nil
	case float64:
		return cty.NumberFloatVal(value), nil
	case []any:
		return collection(value, ty)
	case map[string]any:
		return fields(value, ty)
	default:
		return cty.NilVal, fmt.Errorf("no value is made of %T", value)
	}
}

func refined(unknown any, ty cty.Type) cty.Value {
	made := cty.UnknownVal(ty)
	wanted, ok := unknown.(map[string]any)
	if !ok {
		return made
	}
	builder := made.Refine()
	if wanted["not_null"] == true {
		builder = builder.NotNull()
	}
	if prefix, ok := wanted["prefix"].(string); ok {
		builder = builder.StringPrefixFull(prefix)
	}
	return builder.NewValue()
}

func collection(items []any, ty cty.Type) (cty.Value, error) {
	if !ty.IsCollectionType() {
		return cty.TupleVal(nil), nil
	}
	element := ty.ElementType()
	if len(items) == 0 && ty.IsSetType() {
		return cty.SetValEmpty(element), nil
	}
	if len(items) == 0 {
		return cty.ListValEmpty(element), nil
	}
	made := make([]cty.Value, 0, len(items))
	for _, item := range items {
		one, err := toCty(item, element)
		if err != nil {
			return cty.NilVal, err
		}
		made = append(made, one)
	}
	if ty.IsSetType() {
		return cty.SetVal(made), nil
	}
	return cty.ListVal(made), nil
}

func fields(given map[string]any, ty cty.Type) (cty.Value, error) {
	made := map[string]cty.Value{}
	if !ty.IsObjectType() {
		element := cty.String
		if ty.IsMapType() {
			element = ty.ElementType()
		}
		for name, item := range given {
			one, err := toCty(item, element)
			if err != nil {
				return cty.NilVal, err
			}
			made[name] = one
		}
		if len(made) == 0 {
			return cty.MapValEmpty(element), nil
		}
		return cty.MapVal(made), nil
	}
	for name, of := range ty.AttributeTypes() {
		one, err := toCty(given[name], of)
		if err != nil {
			return cty.NilVal, err
		}
		made[name] = one
	}
	for name, item := range given {
		if _, known := made[name]; !known {
			one, err := toCty(item, cty.String)
			if err != nil {
				return cty.NilVal, err
			}
			made[name] = one
		}
	}
	return cty.ObjectVal(made), nil
}

// JSON from a value of go-cty.
func fromCty(value cty.Value) any {
	if !value.IsKnown() {
		return map[string]any{"$unknown": true}
	}
	if value.IsNull() {
		return nil
	}
	ty := value.Type()
	switch {
	case ty == cty.String:
		return value.AsString()
	case ty == cty.Bool:
		return value.True()
	case ty == cty.Number:
		whole, exact := value.AsBigFloat().Int64()
		if exact == big.Exact {
			return whole
		}
		fraction, _ := value.AsBigFloat().Float64()
		return fraction
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		items := []any{}
		for each := value.ElementIterator(); each.Next(); {
			_, item := each.Element()
			items = append(items, fromCty(item))
		}
		return items
	default:
		entries := map[string]any{}
		for each := value.ElementIterator(); each.Next(); {
			name, item := each.Element()
			entries[name.AsString()] = fromCty(item)
		}
		return entries
	}
}
