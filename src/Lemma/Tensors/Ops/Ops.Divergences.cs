using Lemma.Compute;

namespace Lemma.Tensors;

public static unsafe partial class Ops
{
    /// <summary>KL(p ‖ q) of each row, p = softmax(teacher), q = softmax(student): the student covers all that the teacher may say.</summary>
    /// <remarks>Both [rows, V]; the teacher is held constant; in nats, [rows]. dz += (q − p)·dKL.</remarks>
    public static Tensor ForwardDivergences(this Tape tape, Tensor student, Tensor teacher) => Divergences(tape, student, teacher, isReverse: false);

    /// <summary>KL(q ‖ p) of each row, q = softmax(student), p = softmax(teacher): the student says nothing that the teacher would not.</summary>
    /// <remarks>Both [rows, V]; the teacher is held constant; in nats, [rows]. dz += q·(ln q − ln p − KL)·dKL.</remarks>
    public static Tensor ReverseDivergences(this Tape tape, Tensor student, Tensor teacher) => Divergences(tape, student, teacher, isReverse: true);

    private static Tensor Divergences(Tape tape, Tensor student, Tensor teacher, bool isReverse)
    {
        int rows = student.Shape.Rows, width = student.Shape.Columns;
        Require.That(teacher.Shape.Rows == rows && teacher.Shape.Columns == width,
            $"divergence: the teacher {teacher.Shape} must have the shape of the student {student.Shape}");
        Tensor y = tape.New(new Shape(rows));
        tape.Workers.Rows(rows, Workers.RowsFor(width), (tape, student, teacher, y, isReverse), static (in s, first, count) =>
        {
            for (int row = first; row < first + count; row++)
            {
                ReadOnlySpan<float> z = RowsOf(s.tape, s.student, row, 1), t = RowsOf(s.tape, s.teacher, row, 1);
                double own = Formulas.CrossEntropy.LogSumExp(z), other = Formulas.CrossEntropy.LogSumExp(t), sum = 0;
                for (int i = 0; i < z.Length; i++)
                    sum += s.isReverse ? Term(z[i] - own, t[i] - other) : Term(t[i] - other, z[i] - own);
                s.tape[s.y][row] = (float)sum;
            }
        });
        tape.Record((student, teacher, y, isReverse), static (tape, in s) =>
        {
            if (!tape.HasGradient(s.y))
                return;
            tape.Gradient(s.student);
            tape.Workers.Rows(s.student.Shape.Rows, Workers.RowsFor(s.student.Shape.Columns), (tape, s), static (in v, first, count) =>
            {
                for (int row = first; row < first + count; row++)
                {
                    ReadOnlySpan<float> z = RowsOf(v.tape, v.s.student, row, 1), t = RowsOf(v.tape, v.s.teacher, row, 1);
                    Span<float> dz = GradientRows(v.tape, v.s.student, row, 1);
                    double own = Formulas.CrossEntropy.LogSumExp(z), other = Formulas.CrossEntropy.LogSumExp(t);
                    double up = v.tape.OutputGradient(v.s.y)[row], all = v.tape[v.s.y][row];
                    for (int i = 0; i < z.Length; i++)
                    {
                        double q = z[i] - own, p = t[i] - other;
                        dz[i] += (float)(up * (v.s.isReverse ? Term(q, p) - Math.Exp(q) * all : Math.Exp(q) - Math.Exp(p)));
                    }
                }
            });
        });
        return y;
    }

    // e^a·(a − b); what has no probability costs nothing, whatever the other says.
    private static double Term(double a, double b) => double.IsNegativeInfinity(a) ? 0 : Math.Exp(a) * (a - b);
}
