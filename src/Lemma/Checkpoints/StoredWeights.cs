using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Lemma.Compute;
using Lemma.Formats;
using Lemma.Formulas;
using Lemma.Weights;

namespace Lemma.Checkpoints;

/// <summary>Weights that stay as their file has them, quantized or of 16 bits: each in the panels that products read, beside what stays float32.</summary>
/// <remarks>A parameter whose rows come from several tensors, as queries, keys and values do, has a piece for each run of rows of one type.</remarks>
internal sealed class StoredWeights
{
    private const string Single = "F32";
    private static readonly ConcurrentDictionary<string, QuantizedLayout> Layouts = new(StringComparer.Ordinal);

    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly List<Job> jobs = [];

    private readonly record struct Source(TensorEntry Entry, long Row, Func<int, int>? ColumnOf);

    private readonly record struct Job(WeightPiece Piece, Source[] Rows, int Panel);

    /// <summary>The parameters that stay so; they have memory once the parameters are allocated.</summary>
    /// <param name="places">The tensors and what they fill.</param>
    /// <param name="parameters">The parameters, not allocated yet.</param>
    public StoredWeights(IEnumerable<(WeightName Name, TensorEntry Entry)> places, Parameters parameters)
    {
        foreach (IGrouping<string, (WeightName Name, TensorEntry Entry)> group in places.Where(place => !place.Name.IsZero).GroupBy(place => place.Name.Parameter))
        {
            Parameter parameter = parameters[group.Key];
            (WeightName Name, TensorEntry Entry)[] all = [.. group];
            bool isTaken = (parameter.TakesPanels || parameter.IsLookedUp) && parameter.Shape.Rank > 1;
            if (!isTaken || all.All(place => place.Entry.Type == Single) || !all.All(place => IsTaken(place.Name, place.Entry)))
                continue;
            Source[] rows = RowsOf(parameter, all);
            List<WeightPiece> pieces = Pieces(parameter, rows);
            parameters.Quantize(parameter, pieces);
            names.Add(parameter.Name);
            foreach (WeightPiece piece in pieces)
            {
                Source[] own = rows[piece.FirstRow..(piece.FirstRow + piece.Rows)];
                for (int panel = 0; panel < piece.Panels; panel++)
                    jobs.Add(new Job(piece, own, panel));
            }
        }
    }

    /// <summary>The names of these parameters.</summary>
    public IReadOnlySet<string> Names => names;

    /// <summary>Puts the file's rows in their places.</summary>
    public void Fill(Workers workers) => workers.Run(jobs.Count, jobs, static (in all, index) => Fill(all[index]));

    private static bool IsTaken(WeightName name, TensorEntry entry) =>
        !name.Transposed && name.Offset == 0 && entry.Strides is null
        && (entry.Type == Single || HalvesOf(entry) != HalfKind.None || BlockFormat.Find(entry.Type) is not null)
        // Columns that lie elsewhere can be moved where no block holds columns that part.
        && (name.ColumnOf is null || name.ColumnsTogether % (BlockFormat.Find(entry.Type)?.Elements ?? 1) == 0);

    private static HalfKind HalvesOf(TensorEntry entry) => entry.Type switch
    {
        "F16" => HalfKind.Half,
        "BF16" => HalfKind.Brain,
        _ => HalfKind.None,
    };

    // Where each row of the parameter stands in the file.
    private static Source[] RowsOf(Parameter parameter, (WeightName Name, TensorEntry Entry)[] places)
    {
        Source[] rows = new Source[parameter.Shape.Rows];
        foreach ((WeightName name, TensorEntry entry) in places)
        {
            for (int row = 0; row < name.Rows; row++)
                rows[name.FirstRow + (name.RowOf?.Invoke(row) ?? row)] = new Source(entry, row, name.ColumnOf);
        }
        return rows;
    }

    private static List<WeightPiece> Pieces(Parameter parameter, Source[] rows)
    {
        // A matrix of a stack begins a piece, since products begin with its first row.
        int columns = parameter.Shape.Columns, matrix = parameter.Shape.Rank == 3 ? parameter.Shape[1] : rows.Length;
        List<WeightPiece> pieces = [];
        for (int first = 0, next; first < rows.Length; first = next)
        {
            string type = rows[first].Entry.Type;
            for (next = first + 1; next < rows.Length && rows[next].Entry.Type == type && next % matrix != 0;)
                next++;
            pieces.Add(HalvesOf(rows[first].Entry) is not HalfKind.None and var halves ? new WeightPiece(halves, first, next - first, columns)
                : new WeightPiece(type == Single ? null : LayoutOf(BlockFormat.Find(type)!), first, next - first, columns));
        }
        return pieces;
    }

    /// <summary>How weights of a block format are kept.</summary>
    public static QuantizedLayout LayoutOf(BlockFormat format) => Layouts.GetOrAdd(format.Name, static (name, format) =>
    {
        BlockNumbers numbers = format.Numbers;
        ScaleKind scales = numbers.HasExponent ? ScaleKind.Exponent
            : format.Parts > 0 ? numbers.HasMinima ? ScaleKind.SuperWithMinimum : ScaleKind.SuperSigned
            : numbers.HasMinima ? ScaleKind.HalfWithMinimum : ScaleKind.Half;
        return new QuantizedLayout(name, numbers.Bits, scales, numbers.Part, numbers.Offset, numbers.Values);
    }, format);

    // The rows of one panel, copied out of the file, so that no page of it stays in memory beside them.
    private static void Fill(in Job job)
    {
        WeightPiece piece = job.Piece;
        int first = job.Panel * QuantizedLayout.Rows, count = Math.Min(piece.Rows - first, QuantizedLayout.Rows);
        BlockFormat? format = piece.Layout is { } layout ? BlockFormat.Find(layout.Name) : null;
        int bytes = format is not null ? piece.Columns / format.Elements * format.Bytes
            : piece.Columns * (piece.Halves == HalfKind.None ? sizeof(float) : sizeof(ushort));
        byte[] stored = ArrayPool<byte>.Shared.Rent(checked(count * bytes));
        Read(job.Rows.AsSpan(first, count), bytes, stored.AsSpan(0, count * bytes));
        for (int i = 0; i < count; i++)
        {
            if (job.Rows[first + i].ColumnOf is { } columnOf)
                Move(stored.AsSpan(i * bytes, bytes), format?.Elements ?? 1, piece.Columns, columnOf);
        }
        RowContent? content = format is null ? null : new RowContent(format, piece.Columns);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> row = stored.AsSpan(i * bytes, bytes);
            if (content is not null)
                piece.Put(first + i, content.Read(row));
            else if (piece.Halves != HalfKind.None)
                piece.Put(first + i, MemoryMarshal.Cast<byte, ushort>(row));
            else
                row.CopyTo(MemoryMarshal.AsBytes(piece.Floats(first + i, 1)));
        }
        ArrayPool<byte>.Shared.Return(stored);
    }

    // Blocks of columns, each to its place.
    private static void Move(Span<byte> row, int elements, int columns, Func<int, int> columnOf)
    {
        byte[] old = row.ToArray();
        int blocks = columns / elements, size = row.Length / blocks;
        for (int block = 0; block < blocks; block++)
            old.AsSpan(block * size, size).CopyTo(row[(columnOf(block * elements) / elements * size)..]);
    }

    // Rows that follow each other in the file are read together.
    private static void Read(ReadOnlySpan<Source> rows, int bytes, Span<byte> to)
    {
        for (int first = 0, next; first < rows.Length; first = next)
        {
            Source source = rows[first];
            for (next = first + 1; next < rows.Length && rows[next].Entry == source.Entry && rows[next].Row == source.Row + next - first;)
                next++;
            source.Entry.Source.Read(to[(first * bytes)..(next * bytes)], source.Entry.Begin + source.Row * bytes);
        }
    }

    // One row of blocks taken apart.
    private sealed class RowContent(BlockFormat format, int columns)
    {
        private readonly byte[] numbers = new byte[columns], parts = new byte[columns / format.Elements * format.Parts],
            partMinima = new byte[format.Numbers.HasMinima ? columns / format.Elements * format.Parts : 0];

        private readonly ushort[] scales = new ushort[columns / format.Elements], minima = new ushort[format.Numbers.HasMinima ? columns / format.Elements : 0];

        public QuantizedRow Read(ReadOnlySpan<byte> blocks)
        {
            format.Read(blocks, new BlockContent(numbers, scales, minima, parts, partMinima));
            return new QuantizedRow(numbers, scales, minima, parts, partMinima);
        }
    }
}
