using System.Text;
using System.Text.Json;
using Lemma.Text.Templates;

namespace Lemma.Language.Tools;

/// <summary>Reads calls behind the mark that begins them: fixed texts, and between them names, ids and arguments.</summary>
internal sealed class CallReader(ToolCallFormat format, IReadOnlyList<Tool> tools)
{
    private enum Place
    {
        Text,
        Name,
        Id,
        Json,
        Parameters,
        ParameterName,
        ParameterValue,
        Behind,
        Over,
    }

    private readonly string trigger = ToolGrammar.TriggerOf(format);
    private Place place;
    private string expected = "", tool = "", parameter = "";
    private int part, call = -1, depth;
    private bool isInString, isEscaped, hasParameters;

    /// <summary>Begins behind the mark.</summary>
    public void Begin()
    {
        (call, part, place) = (call + 1, 0, Place.Text);
        expected = (format.Before + format.Call[0].Text)[trigger.Length..];
    }

    /// <summary>Reads what is certain of a text and says how much; it is over behind the last call, or where the text is none.</summary>
    public int Read(string text, List<AnswerDelta> found, out bool isOver)
    {
        int at = 0;
        while (place != Place.Over && Step(text, ref at, found))
        {
        }
        isOver = place == Place.Over;
        return at;
    }

    /// <summary>Ends in the middle: what came of arguments stays.</summary>
    public void Finish(string rest, List<AnswerDelta> found)
    {
        if (place == Place.Json && rest.Length > 0)
            found.Add(new AnswerDelta(AnswerKind.Arguments, rest, call));
        else if (place == Place.Parameters)
            found.Add(new AnswerDelta(AnswerKind.Arguments, hasParameters ? "}" : "{}", call));
    }

    private bool Step(string text, ref int at, List<AnswerDelta> found)
    {
        ReadOnlySpan<char> rest = text.AsSpan(at);
        switch (place)
        {
            case Place.Text:
                return Expect(rest, expected, ref at) && Enter();
            case Place.Name when NameEnd(rest) is var end:
                if (end < 0)
                    return false;
                tool = rest[..end].ToString();
                found.Add(new AnswerDelta(AnswerKind.CallName, tool, call));
                at += end;
                return Next();
            case Place.Id:
                int idEnd = rest.IndexOf(format.Call[part + 1].Text, StringComparison.Ordinal);
                if (idEnd < 0)
                    return false;
                if (idEnd > 0)
                    found.Add(new AnswerDelta(AnswerKind.CallId, rest[..idEnd].ToString(), call));
                at += idEnd;
                return Next();
            case Place.Json:
                return ReadJson(rest, ref at, found);
            case Place.Parameters:
                if (IsBegun(rest, format.Parameters!.Before))
                    return false;
                if (!rest.StartsWith(format.Parameters.Before, StringComparison.Ordinal))
                {
                    found.Add(new AnswerDelta(AnswerKind.Arguments, hasParameters ? "}" : "{}", call));
                    return Next();
                }
                at += format.Parameters.Before.Length;
                place = Place.ParameterName;
                return true;
            case Place.ParameterName:
                int nameEnd = rest.IndexOf(format.Parameters!.Middle, StringComparison.Ordinal);
                if (nameEnd < 0)
                    return false;
                (parameter, place) = (rest[..nameEnd].ToString(), Place.ParameterValue);
                at += nameEnd + format.Parameters.Middle.Length;
                return true;
            case Place.ParameterValue:
                int valueEnd = rest.IndexOf(format.Parameters!.After, StringComparison.Ordinal);
                if (valueEnd < 0)
                    return false;
                string pair = $"\"{JsonEncodedText.Encode(parameter)}\": {ValueOf(rest[..valueEnd].ToString())}";
                found.Add(new AnswerDelta(AnswerKind.Arguments, (hasParameters ? ", " : "{") + pair, call));
                at += valueEnd + format.Parameters.After.Length;
                (hasParameters, place) = (true, Place.Parameters);
                return true;
            case Place.Behind:
                return ReadBehind(rest, ref at);
            default:
                return false;
        }
    }

    private int NameEnd(ReadOnlySpan<char> rest)
    {
        if (format.Call[part + 1].Text.Length > 0)
            return rest.IndexOf(format.Call[part + 1].Text, StringComparison.Ordinal);
        int end = 0;
        while (end < rest.Length && (char.IsAsciiLetterOrDigit(rest[end]) || rest[end] is '-' or '_'))
            end++;
        return end < rest.Length ? end : -1;
    }

    private static bool IsBegun(ReadOnlySpan<char> rest, string text) => rest.Length < text.Length && text.AsSpan().StartsWith(rest, StringComparison.Ordinal);

    private bool Expect(ReadOnlySpan<char> rest, string text, ref int at)
    {
        if (rest.StartsWith(text, StringComparison.Ordinal))
        {
            at += text.Length;
            return true;
        }
        // A text that is no call is none from here on.
        if (!text.AsSpan().StartsWith(rest, StringComparison.Ordinal))
            place = Place.Over;
        return false;
    }

    private bool Enter()
    {
        place = format.Call[part].Hole switch
        {
            CallHole.Name => Place.Name,
            CallHole.Id => Place.Id,
            CallHole.Arguments => format.Parameters is null ? Place.Json : Place.Parameters,
            _ => Place.Behind,
        };
        (depth, isInString, isEscaped, hasParameters) = (0, false, false, false);
        return true;
    }

    private bool Next()
    {
        part++;
        (expected, place) = (format.Call[part].Text, Place.Text);
        return true;
    }

    private bool ReadJson(ReadOnlySpan<char> rest, ref int at, List<AnswerDelta> found)
    {
        int end = 0;
        bool isWhole = false;
        while (end < rest.Length && !isWhole)
        {
            char c = rest[end++];
            if (isInString)
                (isInString, isEscaped) = (isEscaped || c != '"', !isEscaped && c == '\\');
            else if (c == '"')
                isInString = true;
            else if (c is '{' or '[')
                depth++;
            else if (c is '}' or ']')
                isWhole = --depth <= 0;
        }
        if (end > 0)
            found.Add(new AnswerDelta(AnswerKind.Arguments, rest[..end].ToString(), call));
        at += end;
        return isWhole && Next();
    }

    private bool ReadBehind(ReadOnlySpan<char> rest, ref int at)
    {
        if (format.Between is { } between)
        {
            if (rest.StartsWith(between, StringComparison.Ordinal))
            {
                at += between.Length;
                (call, part, place, expected) = (call + 1, 0, Place.Text, format.Call[0].Text);
                return true;
            }
            if (IsBegun(rest, between))
                return false;
        }
        if (!Expect(rest, format.After, ref at))
            return false;
        place = Place.Over;
        return false;
    }

    // A string where the schema says so or where it is no JSON.
    private string ValueOf(string text)
    {
        bool isText = tools.FirstOrDefault(one => one.Name == tool) is { Parameters.ValueKind: JsonValueKind.Object } known
            && known.Parameters.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
            && properties.TryGetProperty(parameter, out JsonElement schema) && ToolGrammar.IsText(schema);
        if (!isText)
        {
            try
            {
                using JsonDocument value = JsonDocument.Parse(text);
                return text;
            }
            catch (JsonException)
            {
            }
        }
        return new StringBuilder("\"").Append(JsonEncodedText.Encode(text)).Append('"').ToString();
    }
}
