using System.Globalization;

namespace Lemma.Text.Templates.Builtins;

/// <summary>A time by the directives of strftime, with English names.</summary>
internal static class TimeText
{
    public static string Format(DateTime time, string format, Budget budget)
    {
        TextBuffer result = new(budget);
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            int start = i;
            bool isBare = format[++i] == '-' && i + 1 < format.Length;
            if (isBare)
                i++;
            // What is no directive stands for itself.
            string part = Directive(time, format[i]) ?? format[start..(i + 1)];
            result.Append(isBare && char.IsAsciiDigit(part[0]) ? part[..^1].TrimStart('0') + part[^1] : part);
        }
        return result.ToString();
    }

    private static string? Directive(DateTime time, char letter)
    {
        string Text(string format) => time.ToString(format, CultureInfo.InvariantCulture);
        return letter switch
        {
            'Y' => Text("yyyy"),
            'y' => Text("yy"),
            'C' => Text("yyyy")[..2],
            'm' => Text("MM"),
            'd' => Text("dd"),
            'e' => $"{time.Day,2}",
            'B' => Text("MMMM"),
            'b' or 'h' => Text("MMM"),
            'A' => Text("dddd"),
            'a' => Text("ddd"),
            'H' => Text("HH"),
            'I' => Text("hh"),
            'k' => $"{time.Hour,2}",
            'l' => $"{(time.Hour + 11) % 12 + 1,2}",
            'M' => Text("mm"),
            'S' => Text("ss"),
            'f' => Text("ffffff"),
            'p' => time.Hour < 12 ? "AM" : "PM",
            'P' => time.Hour < 12 ? "am" : "pm",
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'u' => time.DayOfWeek == DayOfWeek.Sunday ? "7" : $"{(int)time.DayOfWeek}",
            'w' => $"{(int)time.DayOfWeek}",
            'U' => ((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7).ToString("00", CultureInfo.InvariantCulture),
            'W' => ((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7).ToString("00", CultureInfo.InvariantCulture),
            'g' => (ISOWeek.GetYear(time) % 100).ToString("00", CultureInfo.InvariantCulture),
            'G' => ISOWeek.GetYear(time).ToString("0000", CultureInfo.InvariantCulture),
            'V' => ISOWeek.GetWeekOfYear(time).ToString("00", CultureInfo.InvariantCulture),
            'F' => Text("yyyy-MM-dd"),
            'D' or 'x' => Text("MM/dd/yy"),
            'T' or 'X' => Text("HH:mm:ss"),
            'R' => Text("HH:mm"),
            'r' => Text("hh:mm:ss ") + (time.Hour < 12 ? "AM" : "PM"),
            'c' => $"{Text("ddd MMM")} {time.Day,2} {Text("HH:mm:ss yyyy")}",
            'z' or 'Z' => "",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => null,
        };
    }
}
