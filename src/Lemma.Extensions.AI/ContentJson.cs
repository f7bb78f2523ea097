using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lemma.Extensions.AI;

/// <summary>Arguments and results as JSON, without reflection: what JSON has, lists and dictionaries of it; functions of AIFunctionFactory give such.</summary>
internal static class ContentJson
{
    /// <summary>The text of a value.</summary>
    /// <exception cref="NotSupportedException">It is an object of another kind.</exception>
    public static string Of(object value)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter json = new(bytes))
            Write(json, value);
        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case JsonElement element:
                element.WriteTo(json);
                break;
            case JsonNode node:
                node.WriteTo(json);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case float or double or decimal or sbyte or byte or short or ushort or int or uint or long or ulong:
                json.WriteRawValue(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            case Guid or DateTime or DateTimeOffset or DateOnly or TimeOnly or TimeSpan:
                json.WriteStringValue(((IFormattable)value).ToString(value is Guid ? "D" : value is TimeSpan ? "c" : "O", CultureInfo.InvariantCulture));
                break;
            case Enum name:
                json.WriteStringValue(name.ToString());
                break;
            case IEnumerable<KeyValuePair<string, object?>> fields:
                json.WriteStartObject();
                foreach ((string name, object? field) in fields)
                {
                    json.WritePropertyName(name);
                    Write(json, field);
                }
                json.WriteEndObject();
                break;
            case IEnumerable list:
                json.WriteStartArray();
                foreach (object? one in list)
                    Write(json, one);
                json.WriteEndArray();
                break;
            default:
                throw new NotSupportedException($"chat: an argument or result is text, a number or JSON, but it is {value.GetType()}; give a JsonElement of it");
        }
    }
}
