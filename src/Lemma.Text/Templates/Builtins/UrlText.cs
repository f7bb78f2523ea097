using System.Text;
using Lemma.Text.Templates.Values;

namespace Lemma.Text.Templates.Builtins;

/// <summary>The filter urlencode: UTF-8 bytes as %XX, pairs as a query.</summary>
internal static class UrlText
{
    public static StringValue Encode(RenderContext context, Value value)
    {
        TextBuffer result = new(context.Budget);
        if (value is StringValue || value.Elements is null)
            Write(value.ToText(context.Budget), isQuery: false, result);
        else
        {
            IEnumerable<Value> pairs = value is DictionaryValue dictionary ? DictionaryMethods.Pairs(context, dictionary) : value.Elements;
            foreach (Value pair in pairs)
            {
                if (pair is not SequenceValue { Items: [Value key, Value item] })
                    throw new TemplateFault($"urlencode: pairs of a key and a value are needed, but {pair.Shown} is given");
                if (result.Length > 0)
                    result.Append('&');
                Write(key.ToText(context.Budget), isQuery: true, result);
                result.Append('=');
                Write(item.ToText(context.Budget), isQuery: true, result);
            }
        }
        return new StringValue(result.ToString());
    }

    private static void Write(string text, bool isQuery, TextBuffer result)
    {
        result.Budget.UseText(text.Length);
        foreach (byte letter in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)letter) || letter is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~'
                || (letter == '/' && !isQuery))
                result.Append((char)letter);
            else if (letter == ' ' && isQuery)
                result.Append('+');
            else
                result.Append('%').Append(letter.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}
