using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Lemma.Text.Templates.Values;

/// <summary>JSON as values of a template.</summary>
internal static class JsonValues
{
    public static Value Read(JsonElement element, Budget budget)
    {
        budget.Enter();
        Value value = element.ValueKind switch
        {
            JsonValueKind.Object => ReadObject(element, budget),
            JsonValueKind.Array => new SequenceValue([.. element.EnumerateArray().Select(item => Read(item, budget))]),
            JsonValueKind.String => ReadText(element, budget),
            JsonValueKind.Number => ReadNumber(element),
            JsonValueKind.True => BooleanValue.True,
            JsonValueKind.False => BooleanValue.False,
            JsonValueKind.Null => NoneValue.Instance,
            _ => throw new TemplateFault("a variable must be a value of JSON, but is none"),
        };
        budget.Leave();
        return value;
    }

    private static DictionaryValue ReadObject(JsonElement element, Budget budget)
    {
        DictionaryValue dictionary = new();
        foreach (JsonProperty member in element.EnumerateObject())
            dictionary.Add(new StringValue(WellFormed(() => member.Name)), Read(member.Value, budget));
        return dictionary;
    }

    private static StringValue ReadText(JsonElement element, Budget budget)
    {
        string text = WellFormed(() => element.GetString()!);
        budget.UseText(text.Length);
        return new StringValue(text);
    }

    private static NumberValue ReadNumber(JsonElement element)
    {
        string text = element.GetRawText();
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return new FloatValue(element.GetDouble());
        return text.Length <= IntegerValue.Digits + 1 ? IntegerValue.Of(BigInteger.Parse(text, CultureInfo.InvariantCulture))
            : throw IntegerValue.TooLong();
    }

    // JSON can escape half of a surrogate pair, which no text of .NET's reader can hold.
    private static string WellFormed(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw new TemplateFault("a text of the conversation must be valid Unicode, but is not");
        }
    }
}
