using System.Linq.Expressions;
using Gristmill.Data.Interop;

namespace Gristmill.Data.Rows;

/// <summary>Where a loop was when it failed.</summary>
internal sealed class LoopPlace
{
    public int Row;
    public int Step;
}

/// <summary>A pass over the rows of a block, compiled for a chain and the columns it reads.</summary>
/// <param name="readers">The columns.</param>
/// <param name="builders">The columns that are written; none where rows are gathered.</param>
/// <param name="functions">The steps, and the function that gathers.</param>
/// <param name="place">Told where it failed.</param>
/// <param name="rows">Rows of the block.</param>
/// <param name="state">What was gathered before; rows that were written before.</param>
/// <returns>The same, afterwards.</returns>
internal delegate TState RowLoop<TState>(ColumnReader?[] readers, ColumnBuilder[] builders, Delegate[] functions, LoopPlace place, int rows, TState state);

/// <summary>
/// Compiles loops: one method that reads the columns' buffers, makes the row, calls each function, and writes or gathers. No row is boxed, and rows that
/// are structs are never on the heap.
/// </summary>
internal sealed class RowLoopBuilder
{
    private readonly ParameterExpression _readers = Expression.Parameter(typeof(ColumnReader?[]), "readers");
    private readonly ParameterExpression _builders = Expression.Parameter(typeof(ColumnBuilder[]), "builders");
    private readonly ParameterExpression _functions = Expression.Parameter(typeof(Delegate[]), "functions");
    private readonly ParameterExpression _place = Expression.Parameter(typeof(LoopPlace), "place");
    private readonly ParameterExpression _rows = Expression.Parameter(typeof(int), "rows");
    private readonly ParameterExpression _row = Expression.Variable(typeof(int), "row");
    private readonly ParameterExpression _step = Expression.Variable(typeof(int), "step");
    private readonly List<ParameterExpression> _variables = [];
    private readonly List<Expression> _before = [];
    private readonly List<Expression> _body = [];

    private RowLoopBuilder()
    {
        _variables.Add(_row);
        _variables.Add(_step);
    }

    /// <summary>A loop that writes what the chain gives; its state is the number of rows written.</summary>
    public static RowLoop<int> Write(RowChain chain, IReadOnlyList<BoundColumn> columns, IReadOnlyList<(RowMember Member, ValueFit Fit)> outputs)
    {
        var state = Expression.Parameter(typeof(int), "state");
        return new RowLoopBuilder().Compile<int>(chain, columns, state, (loop, value) => loop.WriteRow(chain, value, outputs, state));
    }

    /// <summary>A loop that gathers what the chain gives with the function behind those of the chain.</summary>
    public static RowLoop<TState> Gather<TState>(RowChain chain, IReadOnlyList<BoundColumn> columns)
    {
        var state = Expression.Parameter(typeof(TState), "state");
        var type = typeof(Func<,,>).MakeGenericType(typeof(TState), chain.Output, typeof(TState));
        return new RowLoopBuilder().Compile<TState>(chain, columns, state, (loop, value) =>
        {
            var add = loop.Function(chain.Steps.Count, type);
            loop.At(chain.Steps.Count + 1);
            loop._body.Add(Expression.Assign(state, Expression.Invoke(add, state, value)));
        });
    }

    private RowLoop<TState> Compile<TState>(RowChain chain, IReadOnlyList<BoundColumn> columns, ParameterExpression state, Action<RowLoopBuilder, Expression> end)
    {
        var next = Expression.Label("next");
        var done = Expression.Label("done");
        Expression value = Local("read", ReadRow(RowShape.Of(chain.Input), columns));
        for (var i = 0; i < chain.Steps.Count; i++)
        {
            var step = chain.Steps[i];
            var function = Function(i, step.Function.GetType());
            At(i + 1);
            if (step.Kind == RowStepKind.Where)
            {
                _body.Add(Expression.IfThen(Expression.Not(Expression.Invoke(function, value)), Expression.Goto(next)));
            }
            else
            {
                value = Local("value", Expression.Invoke(function, value));
            }
        }

        end(this, value);
        _body.Add(Expression.Label(next));
        _body.Add(Expression.PreIncrementAssign(_row));
        var loop = Expression.Loop(Expression.IfThenElse(Expression.LessThan(_row, _rows), Expression.Block(_body), Expression.Break(done)), done);
        var failed = Expression.Block(
            Expression.Assign(Expression.Field(_place, nameof(LoopPlace.Row)), _row),
            Expression.Assign(Expression.Field(_place, nameof(LoopPlace.Step)), _step),
            Expression.Rethrow());
        _before.Add(Expression.Assign(_row, Expression.Constant(0)));
        _before.Add(Expression.TryCatch(loop, Expression.Catch(typeof(Exception), failed)));
        _before.Add(state);
        return Expression.Lambda<RowLoop<TState>>(Expression.Block(_variables, _before), _readers, _builders, _functions, _place, _rows, state).Compile();
    }

    private Expression ReadRow(RowShape shape, IReadOnlyList<BoundColumn> columns)
    {
        var values = new List<Expression>();
        for (var i = 0; i < columns.Count; i++)
        {
            var (member, fit) = (columns[i].Member, columns[i].Fit);
            if (fit is null)
            {
                values.Add(member.Default is null ? Expression.Default(member.Type) : Expression.Convert(Expression.Constant(member.Default), member.Type));
                continue;
            }

            var reader = Variable($"column{i}", fit.Reader, Expression.Convert(Expression.ArrayIndex(_readers, Expression.Constant(i)), fit.Reader));
            // Each value in a variable of its own, so that it is known which was being read.
            At(-1 - i);
            var read = fit.Convert(Expression.Call(reader, "Get", null, _row));
            read = read.Type == member.Type ? read : Expression.Convert(read, member.Type);
            values.Add(Local($"value{i}", member.TakesNull
                ? Expression.Condition(Expression.Call(reader, nameof(ColumnReader.IsNull), null, _row), Expression.Default(member.Type), read)
                : read));
        }

        return shape.Create(values);
    }

    private void WriteRow(RowChain chain, Expression value, IReadOnlyList<(RowMember Member, ValueFit Fit)> outputs, ParameterExpression state)
    {
        for (var i = 0; i < outputs.Count; i++)
        {
            var (member, fit) = outputs[i];
            var builder = Variable($"builder{i}", fit.Builder, Expression.Convert(Expression.ArrayIndex(_builders, Expression.Constant(i)), fit.Builder));
            At(chain.Steps.Count + 1 + i);
            var given = Local($"given{i}", member.Get(value));
            var isNullable = Nullable.GetUnderlyingType(member.Type) is not null;
            var set = Expression.Call(builder, "Set", null, state, fit.Convert(isNullable ? Expression.Property(given, "Value") : given));
            Expression? isThere = isNullable ? Expression.Property(given, "HasValue") : member.Type.IsValueType ? null : Expression.ReferenceNotEqual(given, Expression.Constant(null));
            _body.Add(isThere is null ? set : Expression.IfThenElse(isThere, set, Expression.Call(builder, nameof(ColumnBuilder.SetNull), null, state)));
        }

        _body.Add(Expression.PreIncrementAssign(state));
    }

    private void At(int step) => _body.Add(Expression.Assign(_step, Expression.Constant(step)));

    private ParameterExpression Function(int index, Type type) => Variable($"function{index}", type, Expression.Convert(Expression.ArrayIndex(_functions, Expression.Constant(index)), type));

    private ParameterExpression Variable(string name, Type type, Expression value)
    {
        var variable = Expression.Variable(type, name);
        _variables.Add(variable);
        _before.Add(Expression.Assign(variable, value));
        return variable;
    }

    private ParameterExpression Local(string name, Expression value)
    {
        var variable = Expression.Variable(value.Type, name);
        _variables.Add(variable);
        _body.Add(Expression.Assign(variable, value));
        return variable;
    }
}
