using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace Lemma.Parquet;

/// <summary>A field of a row, put together again from its columns.</summary>
/// <remarks>
/// A column says of each of its values at which depth it is there (the definition level) and which list it goes on (the repetition level); what is missing
/// or empty has one level in each column below it. Melnik et al. 2010, "Dremel: interactive analysis of web-scale datasets".
/// </remarks>
internal abstract class RowPart
{
    /// <summary>A column below this field, whose levels stand for it.</summary>
    public abstract Column First { get; }

    /// <summary>A field of a group of rows; null for what is of no type of JSON.</summary>
    public static RowPart? Of(Field field, ParquetRowGroupReader rows) => field switch
    {
        DataField { IsArray: true } data => Column.Of(data, rows) is { } column ? new ListPart(column, data.MaxRepetitionLevel, data.MaxDefinitionLevel) : null,
        DataField data => Column.Of(data, rows),
        ListField list => Of(list.Item, rows) is { } item ? new ListPart(item, list.MaxRepetitionLevel, list.MaxDefinitionLevel) : null,
        StructField structure => StructPart.Of(structure, rows),
        _ => null,
    };

    /// <summary>Writes the field of the next row, or of the next element.</summary>
    public abstract void Write(Utf8JsonWriter json);

    /// <summary>Goes over what is not there.</summary>
    public abstract void Skip();
}

/// <summary>A list: its elements follow while their repetition level is its own.</summary>
internal sealed class ListPart(RowPart item, int repetition, int definition) : RowPart
{
    public override Column First => item.First;

    public override void Write(Utf8JsonWriter json)
    {
        int level = First.Definition;
        // A list that is there and empty is one level less deep than its elements.
        if (level < definition - 1)
        {
            Skip();
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        if (level < definition)
            Skip();
        else
            do
                item.Write(json);
            while (First.HasMore && First.Repetition == repetition);
        json.WriteEndArray();
    }

    public override void Skip() => item.Skip();
}

/// <summary>Fields by name, or null.</summary>
internal sealed class StructPart(List<(string Name, RowPart Part)> parts, int definition) : RowPart
{
    public override Column First => parts[0].Part.First;

    public static StructPart? Of(StructField structure, ParquetRowGroupReader rows)
    {
        List<(string, RowPart)> parts = [];
        foreach (Field field in structure.Fields)
            if (Of(field, rows) is { } part)
                parts.Add((field.Name, part));
        return parts.Count > 0 ? new StructPart(parts, structure.MaxDefinitionLevel) : null;
    }

    public override void Write(Utf8JsonWriter json)
    {
        if (First.Definition < definition)
        {
            Skip();
            json.WriteNullValue();
            return;
        }
        json.WriteStartObject();
        foreach ((string name, RowPart part) in parts)
        {
            json.WritePropertyName(name);
            part.Write(json);
        }
        json.WriteEndObject();
    }

    public override void Skip() => parts.ForEach(part => part.Part.Skip());
}
